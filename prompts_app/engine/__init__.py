"""The test engine: runs cases against a model server and judges the answers.

It knows nothing of Django or of the site, so it can be imported, tested and timed by itself:

    from prompts_app.engine.types import Case, Message
"""
