// A widget in the life of a notebook: drawn over its picture while there is a kernel's model. Other parts stand before this.

// Draws wherever the page has a place for this model (see live.py), also one that comes later, or again.
function initialize({ model }) {
  const drawn = new Map(), made = kernelOf(model);
  let queued = 0;
  const end = (place) => {
    const { host, stop, still } = drawn.get(place);
    stop();
    host.remove();
    still.forEach((node) => { node.style.display = ""; });
    drawn.delete(place);
  };
  const look = () => {
    queued = 0;
    for (const place of [...drawn.keys()]) if (!place.isConnected) end(place);
    const name = kernelOf(model) === made ? model.get("_place") : ""; // opened again without its kernel: the picture
    for (const place of name ? document.querySelectorAll(`[data-toylab="${CSS.escape(name)}"]`) : []) {
      if (drawn.has(place)) continue;
      const host = make("div"), still = [...place.children];
      still.forEach((node) => { node.style.display = "none"; });
      place.append(host);
      drawn.set(place, { host, still, stop: render({ model, el: host }) });
    }
  };
  const later = () => { queued ||= setTimeout(look, 50); };
  const changes = new MutationObserver(later);
  changes.observe(document.body, { childList: true, subtree: true });
  model.on("change:_place", later);
  later();
  return () => {
    clearTimeout(queued);
    changes.disconnect();
    [...drawn.keys()].forEach(end);
  };
}

// A model as every host gives it: MyST has no kernel, and its model throws where it would be asked or left; it holds plain
// JSON, with bytes as base64.
function bridged(model) {
  const quiet = (act) => { try { return act(); } catch { return undefined; } };
  let given, plain;
  return {
    get widget_manager() { return model.widget_manager; },
    get(name) {
      const value = model.get(name);
      if (typeof value?.data !== "string") return value;
      if (value !== given) [given, plain] = [value, { ...value, data: new DataView(Uint8Array.from(atob(value.data), (letter) => letter.charCodeAt(0)).buffer) }];
      return plain;
    },
    set: (name, value) => model.set(name, value),
    on: (event, act) => quiet(() => model.on(event, act)),
    off: (event, act) => quiet(() => model.off(event, act)),
    save_changes: () => quiet(() => model.save_changes()),
  };
}

const whole = (act) => ({ model, ...context }) => act({ model: bridged(model), ...context });
export default { initialize: whole(initialize), render: whole(render) };
