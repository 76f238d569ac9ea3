// A view in a frame says how tall it is; a frame that is too short for it grows, until the window has another width.
let width = innerWidth;
addEventListener("message", ({ source, data }) => {
  if (!Number.isFinite(data?.toylabHeight)) return;
  for (const frame of document.querySelectorAll("iframe"))
    if (frame.contentWindow === source) frame.style.height = `${Math.min(4000, Math.max(frame.clientHeight, data.toylabHeight) + 2)}px`;
});
addEventListener("resize", () => {
  if (innerWidth === width) return;
  width = innerWidth;
  for (const frame of document.querySelectorAll("iframe")) frame.style.height = "";
});
