# %% [markdown]
# (ch-fair-match)=
# # A fair match
#
# (being written)
#
# ::::{admonition} In this chapter
# :class: chapter-box
#
# You will learn
# : - what is being written
#
# You need
# : Nothing.
#
# Time
# : 10 minutes to read, 30 seconds to run.
# ::::

# %% tags=["remove-cell"]
# On Google Colab this cell fetches the project and installs it; anywhere else it does nothing.
import sys

if "google.colab" in sys.modules:
    import os
    import subprocess

    home, url = "/content/book", "https://github.com/crm-rl/q-tables-to-dqn"
    if not os.path.isdir(home):
        subprocess.run(["git", "clone", "--depth=1", url, home], check=True)
        pip = [sys.executable, "-m", "pip"]
        subprocess.run([*pip, "install", "-q", "-e", home], check=True)
    sys.path.insert(0, home)
    os.chdir(home + "/notebooks")
