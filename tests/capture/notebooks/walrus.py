# %%
text = "a=1;b=22;c"
# %%
found = {}
rest = text
while (cut := rest.find(";")) >= 0:
    part, rest = rest[:cut], rest[cut + 1 :]
    if (at := part.find("=")) > 0:
        found[part[:at]] = int(part[at + 1 :])
# %%
sizes = [size for item in text.split(";") if (size := len(item)) > 1]
last = size
# %%
if (n := len(found)) > 1 and (m := max(found.values())):
    verdict = f"{n} with {m}"
else:
    verdict = "few"
# %%
print(y := 10, y**2)
z = (w := y + 1) * 2
