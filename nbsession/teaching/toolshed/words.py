"""The words of the Toolshed: branches, people's names, tools, labels, notices. Knows no tables and draws no lots."""

from __future__ import annotations

BRANCHES = (
    ("Mill Lane", "Mill Lane 4"),
    ("Harbour", "Quayside 17"),
    ("Old School", "Chapel Street 2"),
    ("Northfield", "Northfield Road 88"),
)

FIRST_NAMES = (
    "Ada", "Amir", "Anna", "Aylin", "Ben", "Carla", "Chidi", "Clara", "Daniel", "Dilek", "Elif", "Emil", "Esther",
    "Farah", "Felix", "Grace", "Hana", "Hugo", "Ines", "Ivan", "Jakob", "Jana", "Joao", "Kofi", "Laila", "Lena",
    "Liam", "Lucia", "Magnus", "Mai", "Marta", "Mehmet", "Nadia", "Noah", "Olga", "Omar", "Paula", "Pedro", "Priya",
    "Rosa", "Samir", "Sofia", "Tariq", "Thea", "Tomas", "Vera", "Wei", "Yara", "Yusuf", "Zoe",
)  # fmt: skip

LAST_NAMES = (
    "Abbas", "Andersen", "Baker", "Becker", "Castro", "Chen", "Cohen", "Costa", "Demir", "Diallo", "Dubois",
    "Eriksen", "Fischer", "Garcia", "Haddad", "Hansen", "Hoffmann", "Ibrahim", "Ito", "Jansen", "Kaya", "Keller",
    "Kim", "Kowalski", "Larsen", "Lopez", "Mensah", "Meyer", "Moreau", "Nguyen", "Novak", "Okafor", "Osei", "Patel",
    "Petrov", "Quinn", "Ricci", "Rossi", "Sato", "Schmidt", "Silva", "Singh", "Taylor", "Varga", "Walsh", "Weber",
    "Wright", "Yilmaz", "Young", "Zhang",
)  # fmt: skip

LABELS = (
    "bicycle", "cleaning", "electric", "garden", "hand tool", "heavy", "household", "ladder", "loud", "measuring",
    "metal", "needs induction", "painting", "plumbing", "tiling", "wood",
)  # fmt: skip

TOOLS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("HAM", "Claw hammer", ("hand tool", "wood")),
    ("SLE", "Sledgehammer", ("hand tool", "heavy")),
    ("SCR", "Screwdriver set", ("hand tool", "household")),
    ("SPA", "Spanner set", ("hand tool", "metal", "bicycle")),
    ("DRI", "Cordless drill", ("electric", "wood", "metal")),
    ("ROT", "Rotary hammer", ("electric", "loud", "heavy")),
    ("JIG", "Jigsaw", ("electric", "wood")),
    ("CIR", "Circular saw", ("electric", "wood", "needs induction")),
    ("MIT", "Mitre saw", ("electric", "wood", "heavy", "needs induction")),
    ("HSA", "Hand saw", ("hand tool", "wood")),
    ("ORB", "Orbital sander", ("electric", "wood")),
    ("BEL", "Belt sander", ("electric", "wood", "loud")),
    ("ANG", "Angle grinder", ("electric", "metal", "loud", "needs induction")),
    ("CLA", "Clamps", ("hand tool", "wood")),
    ("CHI", "Chisel set", ("hand tool", "wood")),
    ("PLA", "Hand plane", ("hand tool", "wood")),
    ("LAD", "Step ladder", ("ladder", "household")),
    ("EXT", "Extension ladder", ("ladder", "heavy")),
    ("SPI", "Spirit level", ("hand tool", "measuring")),
    ("LAS", "Laser level", ("measuring",)),
    ("TAP", "Tape measure", ("measuring", "household")),
    ("MUL", "Multimeter", ("measuring", "electric")),
    ("SOL", "Soldering iron", ("electric", "metal")),
    ("HED", "Hedge trimmer", ("electric", "garden", "loud")),
    ("MOW", "Lawn mower", ("garden", "heavy", "loud")),
    ("SPD", "Spade", ("garden", "hand tool")),
    ("RAK", "Rake", ("garden", "hand tool")),
    ("WHE", "Wheelbarrow", ("garden", "heavy")),
    ("PRU", "Pruning shears", ("garden", "hand tool")),
    ("SHR", "Shredder", ("garden", "electric", "loud", "needs induction")),
    ("PWA", "Pressure washer", ("cleaning", "electric")),
    ("CAR", "Carpet cleaner", ("cleaning", "household")),
    ("STE", "Wallpaper steamer", ("painting", "household")),
    ("PIP", "Pipe wrench", ("plumbing", "hand tool")),
    ("AUG", "Drain auger", ("plumbing",)),
    ("PUM", "Floor pump", ("bicycle",)),
    ("TRU", "Truing stand", ("bicycle", "metal")),
    ("SEW", "Sewing machine", ("household", "electric")),
)
"""prefix of the tag, name, labels"""

KITS: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("TIL", "Tiling kit", ("Tile cutter", "Notched trowel", "Grout float", "Tile spacers"), ("tiling",)),
    ("PAI", "Painting kit", ("Paint roller", "Brush set", "Dust sheets"), ("painting", "household")),
    ("BIK", "Bicycle repair kit", ("Tyre levers", "Chain tool", "Hex keys"), ("bicycle", "hand tool")),
    ("PLU", "Plumbing kit", ("Basin wrench", "Pipe cutter", "Plunger"), ("plumbing", "hand tool")),
    ("GAR", "Planting kit", ("Hand trowel", "Dibber", "Watering can"), ("garden", "hand tool")),
)
"""prefix of the tags, name of the kit, its parts, labels of the kit and its parts"""

IN_PIECES = frozenset({"Clamps", "Dust sheets", "Tyre levers", "Tile spacers"})
"""tools of which several pieces go out at once"""

NOTICES = (
    "The Toolshed is closed on 1 May.",
    "New at Harbour: a truing stand for bicycle wheels.",
    "Repair evening on the last Thursday of every month, all branches.",
    "Wanted: a second sewing machine. Ask at any desk.",
    "Induction for the mitre saw: Saturdays at ten, Old School.",
    "Northfield opens an hour earlier from June.",
)
"""notices to everybody"""
