"""Physical units by what they measure: factor and offset to a unit that all of a dimension share.

Factors are exact by definition (the international yard and pound of 1959, the calorie of thermochemistry, binary
prefixes of IEC 80000-13), but for those of the year, which is Julian, and of the month, which is a twelfth of it.

References
----------
.. [1] NIST Special Publication 811, Guide for the Use of the International System of Units, appendix B.
"""

from __future__ import annotations

from typing import NamedTuple

from penstock.table import closest


class Unit(NamedTuple):
    """A unit: what it measures, and by what factor and offset a number of it becomes one of the shared unit."""

    dimension: str
    factor: float
    offset: float = 0.0


_FACTORS: dict[str, dict[str, float]] = {
    "length": {
        "nm": 1e-9,
        "um": 1e-6,
        "mm": 1e-3,
        "cm": 1e-2,
        "dm": 1e-1,
        "m": 1.0,
        "km": 1e3,
        "in": 0.0254,
        "ft": 0.3048,
        "yd": 0.9144,
        "mi": 1609.344,
        "nmi": 1852.0,
    },
    "area": {
        "mm2": 1e-6,
        "cm2": 1e-4,
        "m2": 1.0,
        "km2": 1e6,
        "ha": 1e4,
        "in2": 0.0254**2,
        "ft2": 0.3048**2,
        "acre": 4046.8564224,
        "mi2": 1609.344**2,
    },
    "volume": {
        "ml": 1e-6,
        "cl": 1e-5,
        "dl": 1e-4,
        "l": 1e-3,
        "m3": 1.0,
        "cm3": 1e-6,
        "gal": 3.785411784e-3,
        "gal_uk": 4.54609e-3,
        "qt": 9.46352946e-4,
        "pt": 4.73176473e-4,
        "cup": 2.365882365e-4,
        "floz": 2.95735295625e-5,
        "bbl": 0.158987294928,
        "ft3": 0.3048**3,
    },
    "mass": {
        "ug": 1e-9,
        "mg": 1e-6,
        "g": 1e-3,
        "kg": 1.0,
        "t": 1e3,
        "oz": 0.028349523125,
        "lb": 0.45359237,
        "st": 6.35029318,
        "ton_us": 907.18474,
        "ton_uk": 1016.0469088,
    },
    "time": {
        "ns": 1e-9,
        "us": 1e-6,
        "ms": 1e-3,
        "s": 1.0,
        "min": 60.0,
        "h": 3600.0,
        "d": 86_400.0,
        "week": 604_800.0,
        "month": 2_629_800.0,
        "year": 31_557_600.0,
    },
    "speed": {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704, "kn": 1852 / 3600, "ft/s": 0.3048},
    "energy": {
        "J": 1.0,
        "kJ": 1e3,
        "MJ": 1e6,
        "GJ": 1e9,
        "Wh": 3600.0,
        "kWh": 3.6e6,
        "MWh": 3.6e9,
        "cal": 4.184,
        "kcal": 4184.0,
        "BTU": 1055.05585262,
    },
    "power": {"W": 1.0, "kW": 1e3, "MW": 1e6, "GW": 1e9, "hp": 745.69987158227022, "PS": 735.49875},
    "pressure": {
        "Pa": 1.0,
        "hPa": 1e2,
        "kPa": 1e3,
        "MPa": 1e6,
        "mbar": 1e2,
        "bar": 1e5,
        "atm": 101_325.0,
        "psi": 6894.757293168361,
        "mmHg": 133.322387415,
        "inHg": 3386.388640341,
    },
    "data size": {
        "bit": 0.125,
        "B": 1.0,
        "kB": 1e3,
        "MB": 1e6,
        "GB": 1e9,
        "TB": 1e12,
        "KiB": 1024.0,
        "MiB": 1024.0**2,
        "GiB": 1024.0**3,
        "TiB": 1024.0**4,
    },
}
_TEMPERATURES = {
    "C": Unit("temperature", 1.0),
    "K": Unit("temperature", 1.0, -273.15),
    "F": Unit("temperature", 5 / 9, -32 * 5 / 9),
}
UNITS: dict[str, Unit] = {
    **{name: Unit(dimension, factor) for dimension, units in _FACTORS.items() for name, factor in units.items()},
    **_TEMPERATURES,
}


def conversion(source: str, target: str) -> tuple[float, float]:
    """Return the factor and the offset that make a number of one unit into one of another.

    Raises
    ------
    ValueError
        One of them is not known, or they measure different things.

    Examples
    --------
    >>> conversion("km", "m")
    (1000.0, 0.0)
    >>> factor, offset = conversion("F", "C")
    >>> round(212 * factor + offset, 9)
    100.0
    >>> conversion("kg", "m")
    Traceback (most recent call last):
    ValueError: 'kg' measures mass and 'm' length; of mass there are ug, mg, g, kg, t, oz, lb, st, ton_us, ton_uk
    """
    for name in (source, target):
        if name not in UNITS:
            raise ValueError(f"{name!r} is no unit that is known here; {closest(name, tuple(UNITS))}")
    one, other = UNITS[source], UNITS[target]
    if one.dimension != other.dimension:
        alike = ", ".join(name for name, unit in UNITS.items() if unit.dimension == one.dimension)
        raise ValueError(
            f"{source!r} measures {one.dimension} and {target!r} {other.dimension}; "
            f"of {one.dimension} there are {alike}"
        )
    return one.factor / other.factor, (one.offset - other.offset) / other.factor
