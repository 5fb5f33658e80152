// Keeps a model's page true while its versions come and go. The page is whole without this file; a form that somebody
// is filling in, and the answer beside it, are left alone.
"use strict";
(() => {
  const EVERY = 2000;
  const PARTS = ["standing", "problems", "figures", "versions"];

  const look = async () => {
    if (document.visibilityState === "visible") {
      try {
        const reply = await fetch(location.pathname, { headers: { accept: "text/html" } });
        const page = new DOMParser().parseFromString(await reply.text(), "text/html");
        // Nobody can be filling in a form that is not there yet.
        if (page.getElementById("figures") && !document.getElementById("figures")) location.reload();
        for (const id of PARTS) {
          const mine = document.getElementById(id);
          const theirs = page.getElementById(id);
          // What is the same stays, and with it what somebody has opened or selected in it.
          if (reply.ok && mine && theirs && mine.innerHTML !== theirs.innerHTML) mine.replaceWith(theirs);
        }
      } catch {
        // A service that is away for a moment is asked again; what is shown was true a moment ago.
      }
    }
    setTimeout(look, EVERY);
  };

  // The page that answers a form without a script lies at another address.
  if (document.getElementById("standing") && !location.pathname.endsWith("/try")) setTimeout(look, EVERY);
})();
