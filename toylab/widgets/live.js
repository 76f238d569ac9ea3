// A widget in the life of a notebook: drawn over its picture while there is a kernel's model. Other parts stand before this.

// Draws wherever the page has a place for this model (see live.py), also one that comes later, or again.
function initialize({ model }) {
  const drawn = new Map();
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
    const name = model.get("_place");
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

export default { initialize, render };
