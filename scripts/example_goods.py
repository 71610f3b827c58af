"""Two catalogues of one shop's goods, made up: brands, model numbers, and how two clerks write them down."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

Row = dict[str, str]

_BRANDS = """
Kestrel Albion Tamar Orbis Halden Norvik Brightwell Castor Ferrano Lumera Pellworth Quillon Rossmere Sandvale
Tessaro Umbra Vantek Westcote Yarrow Zéphyrin Arden Bolide Corvane Delphine Eastray Fjørdline Garrow Hexley
Istria Jorvik Kantor Lindgrove Maravel Nimbus Ostrava Penhale Ravello Solveig Thornbury Ulmen Verano Wexcombe
Ardmore Belcanto Crestone Drummond Elvira Fenwick Gloriette Harkness Inverlee Juniper Kolding Lyric Montrose
Nordby Oakhurst Pinecrest Rivoli Sterling
"""
_SERIES = """
ProLine Torque HomeFix Aroma Vista Halo Nordic Studio Meadow Evergreen Terra Pulse Resonance Stack Modula Clerk Compact
Summit Trailhead Basecamp Aria Bravo Cadenza Delta Element Fusion Grande Horizon Impulse Jubilee Karat Legacy Mistral
Nova Opus Prime Quest Ranger Solo Tempo Unity Vivid Wave Xpert Zenith
"""
# kind: nouns of the north, nouns of the south, unit of the main figure, features, weight in g, size in cm, price
_KINDS: dict[str, tuple[str, str, str, str, int, int, int]] = {
    "Power tools": (
        "cordless drill|jigsaw|angle grinder|orbital sander",
        "drill, cordless|jig saw|grinder 115mm|sander, orbital",
        "W",
        "18 V|20 V|variable speed|with case|brushless|2 batteries",
        1800,
        28,
        95,
    ),
    "Kitchen": (
        "kettle|toaster|hand blender|food processor",
        "electric kettle|2-slice toaster|stick blender|processor",
        "W",
        "1.7 l|1.5 l|stainless steel|2200 W|cool touch|removable filter",
        1200,
        25,
        45,
    ),
    "Lighting": (
        "desk lamp|floor lamp|wall light|LED strip",
        "table lamp|standing lamp|wall lamp|LED tape",
        "lm",
        "dimmable|E27|warm white|USB port|brass finish|with remote",
        900,
        42,
        38,
    ),
    "Garden": (
        "garden hose|pruning shears|lawn sprinkler|hedge trimmer",
        "hose|secateurs|sprinkler|trimmer for hedges",
        "bar",
        "15 m|25 m|anti-kink|bypass blade|oscillating|telescopic",
        1500,
        55,
        32,
    ),
    "Audio": (
        "bluetooth speaker|headphones|soundbar|radio",
        "wireless speaker|over-ear headphones|sound bar|DAB radio",
        "W",
        "waterproof|noise cancelling|20 h battery|with subwoofer|USB-C|2.1",
        700,
        22,
        79,
    ),
    "Storage": (
        "storage box|tool case|shelf unit|drawer organiser",
        "box with lid|toolbox|shelving|organizer for drawers",
        "l",
        "30 l|45 l|stackable|5 tier|clear|with wheels",
        2100,
        60,
        24,
    ),
    "Office": (
        "laminator|paper shredder|label printer|desk fan",
        "laminating machine|shredder|labeller|fan, desk",
        "W",
        "A4|A3|cross cut|quiet|rechargeable|3 speeds",
        2600,
        34,
        58,
    ),
    "Outdoor": (
        "sleeping bag|camping stove|head torch|trekking poles",
        "sleeping-bag|gas stove|headlamp|hiking poles (pair)",
        "g/m2",
        "-5 °C|0 °C|lightweight|aluminium|300 lm|compact",
        1100,
        38,
        52,
    ),
}
_COLOURS = ["black", "white", "grey", "red", "blue", "green", "silver", "anthracite"]
_SHORT = {
    "stainless steel": "s/steel",
    "cordless": "crdlss",
    "with case": "w/ case",
    "with remote": "w/ remote",
    "anthracite": "anthr.",
    "black": "blk",
    "white": "wht",
    "rechargeable": "rechg.",
    "waterproof": "wtrprf",
    "aluminium": "alu",
    "noise cancelling": "ANC",
    "lightweight": "light",
    "variable speed": "var. speed",
}
_TRADE = {"grey": "gray", "anthracite": "charcoal", "silver": "chrome", "red": "crimson"}
NORTH = ("id", "name", "brand", "category", "price", "weight", "size", "colour", "description")
SOUTH = ("ID", "product", "maker", "model no", "department", "cost EUR", "weight", "dimensions", "shade")


@dataclass(frozen=True)
class Good:
    """One thing for sale. Weight in g, size in cm, price in EUR."""

    brand: str
    kind: str
    noun: int
    series: str
    model: str
    features: tuple[str, ...]
    colour: str
    weight: int
    size: tuple[int, int]
    price: float


def goods(count: int, random: Random) -> list[Good]:
    """Goods in families: siblings share brand, series and noun, and differ in model number, colour or a feature."""
    found: dict[str, Good] = {}
    brands = _BRANDS.split()
    while len(found) < count:
        kind = random.choice(list(_KINDS))
        _, _, unit, features, weight, size, price = _KINDS[kind]
        first = Good(
            brand=random.choice(brands),
            kind=kind,
            noun=random.randrange(4),
            series=random.choice(_SERIES.split()),
            model=_model(random),
            features=(f"{random.randrange(8, 240) * 5} {unit}", *random.sample(features.split("|"), 2)),
            colour=random.choice(_COLOURS),
            weight=round(weight * random.uniform(0.5, 1.6)),
            size=(round(size * random.uniform(0.6, 1.4)), round(size * random.uniform(0.3, 0.8))),
            price=round(price * random.uniform(0.5, 2.0), 2),
        )
        family = [first, *(_sibling(first, random) for _ in range(random.choice((0, 0, 0, 0, 0, 0, 0, 1, 1, 2))))]
        found |= {f"{good.brand} {good.model}": good for good in family}
    return list(found.values())[:count]


def _model(random: Random) -> str:
    letters = "".join(random.choice("ABCDEFHKLMNPRSTVX") for _ in range(random.choice((1, 2, 2, 3))))
    return (
        f"{letters}-{random.choice((10, 20, 100, 110, 200, 250, 300, 400, 450, 500, 700, 800)) + random.randrange(10)}"
    )


def _sibling(good: Good, random: Random) -> Good:
    """The next model of a family: another number or letter, often another colour, feature and price."""
    letters, number = good.model.split("-")
    letter = f"{good.model}{random.choice('BSWX')}"
    model = letter if random.random() < 0.25 else f"{letters}-{int(number) + random.choice((1, 5, 10, 50))}"
    others = random.sample(_KINDS[good.kind][3].split("|"), 2)
    features = (good.features[0], *others) if random.random() < 0.5 else good.features
    return Good(
        good.brand,
        good.kind,
        good.noun,
        good.series,
        model,
        features,
        random.choice(_COLOURS),
        round(good.weight * random.choice((1.0, 1.0, 1.05, 1.3))),
        (round(good.size[0] * random.choice((1.0, 1.1, 1.3))), good.size[1]),
        round(good.price * random.choice((1.1, 1.25, 1.4, 1.8)), 2),
    )


def north_row(good: Good, random: Random, again: bool) -> Row:
    """How the north catalogue lists a good; `again` is a second listing by somebody in a hurry."""
    noun = _KINDS[good.kind][0].split("|")[good.noun]
    model = _loose(good.model, random) if again else good.model
    parts = [good.brand, good.series, model, noun]
    if random.random() < (0.5 if again else 0.15):
        parts.remove(good.series)
    if random.random() < 0.6:
        parts.append(random.choice(good.features))
    if random.random() < 0.35:
        parts.append(good.colour)
    name = " ".join(parts)
    row = {
        "name": _slip(name, random) if random.random() < (0.4 if again else 0.08) else name,
        "brand": good.brand,
        "category": good.kind,
        "price": f"{good.price:.2f}",
        "weight": f"{good.weight} g" if good.weight < 1000 else f"{good.weight / 1000:.2f} kg",
        "size": f"{good.size[0]} x {good.size[1]} cm",
        "colour": good.colour,
        "description": f"{noun.capitalize()} from the {good.series} range, {', '.join(good.features)}.",
    }
    return _forget(
        row, random, {"brand": 0.08, "weight": 0.2, "size": 0.3, "colour": 0.25, "description": 0.3, "price": 0.04}
    )


def south_row(good: Good, random: Random, again: bool) -> Row:
    """How the south catalogue lists a good: other nouns, ounces and inches, decimal commas, a column for the model."""
    noun = _KINDS[good.kind][1].split("|")[good.noun]
    words = [noun, *random.sample(good.features, random.choice((0, 1, 2)))]
    if random.random() < 0.4:
        words.append(good.series)
    in_name = random.random()
    if in_name < 0.55:
        words.insert(0, _loose(good.model, random))
    if random.random() < 0.55:
        words.insert(0, good.brand.upper() if random.random() < 0.3 else good.brand)
    name = " ".join(_shortened(word, random) for word in words)
    price = good.price * (random.choice((0.75, 0.9, 1.2, 1.4)) if random.random() < 0.2 else random.uniform(0.96, 1.04))
    row = {
        "product": _slip(name, random) if random.random() < (0.35 if again else 0.15) else name,
        "maker": _maker(good.brand, random),
        "model no": _loose(good.model, random),
        "department": good.kind.lower() if random.random() < 0.8 else "misc.",
        "cost EUR": f"{price:.2f}".replace(".", ","),
        "weight": _ounces(good.weight * (1.15 if random.random() < 0.15 else 1.0)),
        "dimensions": " x ".join(f'{side / 2.54:.1f}"'.replace(".", ",") for side in good.size),
        "shade": _shade(good.colour, random),
    }
    missing = {"maker": 0.12, "weight": 0.25, "dimensions": 0.35, "shade": 0.3, "cost EUR": 0.06}
    return _forget(row, random, missing | {"model no": 0.25 if in_name < 0.55 else 0.35})


def _loose(model: str, random: Random) -> str:
    """A model number as people write it: without the hyphen, with a blank, in small letters; seldom wrong."""
    if random.random() < 0.03:
        model = model[:-1] + random.choice("0123456789")
    style = random.random()
    if style < 0.35:
        return model.replace("-", "")
    if style < 0.5:
        return model.replace("-", " ")
    return model.lower() if style < 0.6 else model


def _maker(brand: str, random: Random) -> str:
    style = random.random()
    if style < 0.15:
        return f"{brand} {random.choice(('Ltd', 'GmbH', 'Inc.', '& Co'))}"
    if style < 0.25:
        return brand.upper()
    return _slip(brand, random) if style < 0.33 else brand


def _shade(colour: str, random: Random) -> str:
    if random.random() < 0.05:
        return random.choice(_COLOURS)
    return _TRADE.get(colour, colour) if random.random() < 0.5 else colour


def _ounces(grams: float) -> str:
    ounces = grams / 28.3495
    return f"{ounces:.1f} oz".replace(".", ",") if ounces < 32 else f"{ounces / 16:.2f} lb".replace(".", ",")


def _shortened(word: str, random: Random) -> str:
    return _SHORT[word] if word in _SHORT and random.random() < 0.4 else word


def _forget(row: Row, random: Random, shares: dict[str, float]) -> Row:
    return {key: "" if random.random() < shares.get(key, 0.0) else value for key, value in row.items()}


def _slip(text: str, random: Random) -> str:
    """One typing mistake: a letter left out, doubled, or swapped with the next."""
    place = random.randrange(len(text) - 1)
    here, after = text[place], text[place + 1]
    changed = random.choice((after, here + here + after, after + here))
    return text[:place] + changed + text[place + 2 :]
