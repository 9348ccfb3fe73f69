# %%
from dataclasses import dataclass
from enum import Enum

class Op(Enum):
    ADD = "+"
    MUL = "*"
# %%
@dataclass
class Num:
    value: int

@dataclass
class Bin:
    op: Op
    left: object
    right: object
# %%
DEFAULT = -1
def evaluate(node):
    match node:
        case Num(value=v):
            return v
        case Bin(Op.ADD, left, right):
            return evaluate(left) + evaluate(right)
        case Bin(op=Op.MUL, left=left, right=right):
            return evaluate(left) * evaluate(right)
        case _:
            return DEFAULT
# %%
answer = evaluate(Bin(Op.ADD, Num(2), Bin(Op.MUL, Num(3), Num(4))))
odd = evaluate("?")
# %%
commands = [{"go": "north", "fast": True}, ["stop", 3], "wait", 7]
# %%
seen = []
for command in commands:
    match command:
        case {"go": where, **others}:
            seen.append((where, sorted(others)))
        case [word, *numbers] if numbers:
            seen.append((word, numbers))
        case str() as word:
            seen.append(word)
        case int(n) | float(n):
            seen.append(n + answer)
