"""A Sphinx extension for what _config.yml can't say.

sphinx-thebe comes with Jupyter Book and puts its scripts on every page, twice, which is an error in the browser's
console. The book starts no live code from a page, so they go.
"""


def drop_thebe(app, pagename, templatename, context, doctree):
    """Take sphinx-thebe's scripts off the page."""
    scripts = context.get("script_files", [])
    scripts[:] = [s for s in scripts if "thebe" not in f"{getattr(s, 'filename', s)} {getattr(s, 'attributes', '')}"]


def setup(app):
    app.connect("html-page-context", drop_thebe, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
