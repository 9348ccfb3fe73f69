# %%
import dataclasses
from dataclasses import dataclass, field
from enum import Enum
# %%
class Kind(Enum):
    LOW = 1
    HIGH = 2

LIMIT = 10
# %%
@dataclass(order=True)
class Reading:
    value: float
    kind: Kind = Kind.LOW
    tags: list = field(default_factory=list)

    @property
    def high(self) -> bool:
        return self.value > LIMIT

    @classmethod
    def parse(cls, text: str) -> "Reading":
        return cls(float(text), Kind.HIGH if float(text) > LIMIT else Kind.LOW)
# %%
lines = ["3", "12.5", "8"]
# %%
kinds = [Reading.parse(line).kind.name for line in lines]
highs = [dataclasses.asdict(r)["value"] for r in map(Reading.parse, lines) if r.high]
# %%
biggest = max(Reading.parse(line) for line in lines if Reading.parse(line).kind is Kind.LOW).value
