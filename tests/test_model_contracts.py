"""The widgets' modules under the models that hosts give them: each lacks something, and the view works all the same."""

import base64
import json

import pytest
from browser import open_page, settled
from synthetic_images import sweep as image_sweep

from toylab import datasets, exact_eps, sweep
from toylab.widgets import Gallery, Player

# What every model does; hosts differ in the rest.
MODEL = """
const listeners = {};
const model = {
  get: (name) => state[name],
  set(name, value) { state[name] = value; for (const act of listeners[`change:${name}`] ?? []) act(); },
  on(event, act) { (listeners[event] ??= new Set()).add(act); },
  off(event, act) { listeners[event]?.delete(act); },
  save_changes() { window.saved = (window.saved ?? 0) + 1; },
};
const none = (name) => () => { throw new Error(`${name} is not implemented`); };
"""
BYTES = "Uint8Array.from(atob(state.scene.data), (letter) => letter.charCodeAt(0))"
VIEW = f"const bytes = {BYTES}; state.scene.data = new DataView(bytes.buffer);"
HOSTS = {
    "jupyter": f"{VIEW} model.widget_manager = {{ get_model: async () => ({{ comm_live: true }}) }};",
    "vscode": f"{VIEW} model.widget_manager = {{ get_model: () => Promise.reject(new Error('unknown')) }};",
    "colab": f"const bytes = {BYTES}, all = new Uint8Array(bytes.length + 8); all.set(bytes, 8);"
    " state.scene.data = new DataView(all.buffer, 8);",
    "marimo": f"{VIEW} model.send = none('send');",
    "myst": "for (const name of ['save_changes', 'off', 'send']) model[name] = none(name);",
    "myst without them": "for (const name of ['save_changes', 'off']) delete model[name];",
}
PAGE = """<!doctype html><html><meta charset="utf-8"><body><main></main><script type="module">
const state = STATE;
MODEL
HOST
const source = document.getElementById("module").textContent;
const file = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
const widget = (await import(file)).default;
window.stop = [widget.initialize?.({ model }), widget.render({ model, el: document.querySelector("main") })];
</script><script type="text/plain" id="module">MODULE</script></body></html>"""


def a_player():
    eps = exact_eps(datasets.get("moons").curve(60), "linear")
    return Player(sweep(eps, "linear", methods=["DDIM", "RK4"], steps=[2, 4], n=32, manifold="moons", progress=False))


WIDGETS = {"player": a_player, "gallery": lambda: Gallery(image_sweep(methods=("DDIM", "RK4"), steps=(2, 4)))}


@pytest.fixture(scope="module", params=WIDGETS)
def page_of(request, tmp_path_factory):
    """The file of a page with a widget under a host's model."""
    widget = WIDGETS[request.param]()
    scene = widget.scene | {"data": base64.b64encode(widget.scene["data"]).decode()}
    state = {name: getattr(widget, name) for name in widget._state} | widget._unplugged | {"scene": scene, "_place": ""}
    folder = tmp_path_factory.mktemp("hosts")

    def write(host):
        parts = {"STATE": json.dumps(state), "MODEL": MODEL, "HOST": HOSTS[host], "MODULE": str(widget._esm)}
        page = PAGE.replace('">MODULE<', '">' + parts.pop("MODULE") + "<")
        for name, text in parts.items():
            page = (
                page.replace(f"{name}\n", f"{text}\n", 1) if name != "STATE" else page.replace("STATE;", f"{text};", 1)
            )
        path = folder / f"{host.replace(' ', '-')}.html"
        path.write_text(page, encoding="utf-8")
        return path.as_uri()

    return write


@pytest.mark.parametrize("host", HOSTS)
def test_a_widget_is_drawn_answers_and_is_put_away(started, page_of, host):
    with open_page(started, page_of(host)) as page:
        before = settled(page)
        page.get_by_role("slider", name="Steps").press("ArrowLeft")
        after = settled(page, different_from=before)
        assert page.evaluate("window.saved") == (None if "myst" in host else 1)
        page.get_by_role("slider", name="Steps").press("ArrowRight")
        assert settled(page, different_from=after) == before
        page.evaluate("() => { for (const stop of window.stop) stop?.(); }")
