"""What a browser runs in the page of a letter to measure it; the letter itself holds no script."""

from __future__ import annotations

MEASURE = """
(() => {
  const canvas = document.createElement('i');
  canvas.style.background = 'Canvas';
  document.body.append(canvas);
  const page = getComputedStyle(canvas).backgroundColor;
  canvas.remove();
  const channels = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
  const luminance = colour => {
    const [r, g, b] = channels(colour).map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return page;
  };
  const drawn = (element, colour, back) => {
    let alpha = channels(colour)[3] ?? 1;
    for (let at = element; at; at = at.parentElement) alpha *= getComputedStyle(at).opacity;
    const over = channels(back);
    return `rgb(${channels(colour).slice(0, 3).map((part, at) => part * alpha + over[at] * (1 - alpha)).join()})`;
  };
  const texts = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (!node.data.trim()) continue;
    const style = getComputedStyle(node.parentElement);
    const back = behind(node.parentElement);
    const colour = node.parentElement instanceof SVGElement ? style.fill : style.color;
    const both = [luminance(drawn(node.parentElement, colour, back)), luminance(back)];
    const [high, low] = both.sort((a, b) => b - a);
    const range = document.createRange();
    range.selectNodeContents(node);
    const {x, y, width, height} = range.getBoundingClientRect();
    const contrast = (high + 0.05) / (low + 0.05);
    texts.push({text: node.data.trim(), size: parseFloat(style.fontSize), contrast, box: [x, y, width, height]});
  }
  const broken = link => {
    const words = [];
    const inside = document.createTreeWalker(link, NodeFilter.SHOW_TEXT);
    while (inside.nextNode()) {
      for (const found of inside.currentNode.data.matchAll(/\\S+/g)) {
        const range = document.createRange();
        range.setStart(inside.currentNode, found.index);
        range.setEnd(inside.currentNode, found.index + found[0].length);
        if (new Set([...range.getClientRects()].map(box => box.top)).size > 1) words.push(found[0]);
      }
    }
    return words.join(' ');
  };
  const links = [...document.querySelectorAll('a')].map(link => {
    const box = link.getBoundingClientRect();
    const size = {top: box.top, width: box.width, height: box.height};
    return {href: link.getAttribute('href'), ...size, broken: broken(link)};
  });
  const message = document.querySelector('[style*="user-select"]');
  let selected = null;
  if (message) {
    getSelection().selectAllChildren(message);
    selected = getSelection().toString();
    getSelection().removeAllRanges();
  }
  return {page, texts, links, selected, width: document.scrollingElement.scrollWidth,
          height: document.scrollingElement.scrollHeight};
})()
"""
"""Its texts, its links, the message that is chosen, its size."""

DRAWN = """
(async (picture, boxes) => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + picture;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  return boxes.map(box => {
    const pixels = context.getImageData(...box.map(Math.round)).data;
    const counts = new Map();
    for (let at = 0; at < pixels.length; at += 4) {
      const [r, g, b] = [0, 1, 2].map(part => pixels[at + part] / 255)
        .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
      const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
      counts.set(luminance, (counts.get(luminance) || 0) + 1);
    }
    const back = [...counts].sort((a, b) => b[1] - a[1])[0][0];
    const contrasts = [...counts.keys()].map(one => (Math.max(one, back) + 0.05) / (Math.min(one, back) + 0.05));
    return Math.max(...contrasts);
  });
})
"""
"""The strongest contrast to what is drawn most often, in each box of a picture."""
