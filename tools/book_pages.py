"""A Sphinx extension for what _config.yml can't say.

sphinx-thebe comes with Jupyter Book and puts its scripts on every page, twice, which is an error in the
browser's console. The book starts no live code from a page, so they go.
"""


def drop_thebe(app, pagename, templatename, context, doctree):
    """Take sphinx-thebe's scripts off the page: one is a file, the other is written into the page."""

    def is_thebe(script):
        return "thebe" in f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', '')}"

    scripts = context.get("script_files", [])
    scripts[:] = [script for script in scripts if not is_thebe(script)]


def setup(app):
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
