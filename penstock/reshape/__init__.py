"""Tables made of other tables before any is typed for the model: filtered, grouped, turned and stacked."""
