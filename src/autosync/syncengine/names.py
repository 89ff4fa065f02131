"""When two names are the same: a distinguished name in capitals and in small letters is one, another name is not."""


def name_key(name: str) -> str | bytes:
    """Return what is equal for equal names. Only ASCII letters have two sizes here, as in the store's index."""
    return name.encode("utf-8", "surrogatepass").lower() if "=" in name else name


def same_name(one: object, other: object) -> bool:
    """Return whether two values name the same object."""
    return one == other or (isinstance(one, str) and isinstance(other, str) and name_key(one) == name_key(other))
