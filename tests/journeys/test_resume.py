"""A step that fails and is repeated by Argo goes on from its checkpoint; what it had assigned is kept apart."""


def test_a_repeated_step_goes_on_from_its_checkpoint(kernel):
    kernel.good(
        """%%vertex_step train() -> epochs, where --retries 1
import os, sys
path = os.path.join(argovx.checkpoint_dir, "epoch.txt")
start = int(open(path).read()) if os.path.exists(path) else 0
epochs = []
for epoch in range(start, 4):
    epochs.append(epoch)
    with open(path + ".tmp", "w") as file:
        file.write(str(epoch + 1))
    os.replace(path + ".tmp", path)
    if epoch == 1:
        sys.exit(3)
where = [argovx.context.step, argovx.context.attempt, argovx.context.job != ""]
"""
    )
    assert kernel.good("epochs.get()") == "[2, 3]"
    assert kernel.good("where.get()") == "['train', 1, True]"


def test_what_a_failed_cell_had_assigned_is_no_result(kernel):
    text = kernel.bad("%%vertex_step half() -> rows, total\nrows = [1, 2]\ntotal = rows[5]")
    assert "IndexError" in text
    assert "cell 2, line 2" in text or "line" in text
    kernel.bad("rows.get()")
