"""The families of what is looked for, each a candidate pattern and what it takes to believe it."""

from apps.governance.detection.families import contact, credentials, identity, network, numbers
from apps.governance.detection.families.family import Family

FAMILIES: tuple[Family, ...] = (
    *credentials.FAMILIES,
    *numbers.FAMILIES,
    *identity.FAMILIES,
    *contact.FAMILIES,
    *network.FAMILIES,
)

__all__ = ["FAMILIES", "Family"]
