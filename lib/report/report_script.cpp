#include "report/report_page.h"

namespace pgtrain {

// Texts get into the page by textContent alone.
const char* const kReportScript = R"js(
'use strict';
const SVG = 'http://www.w3.org/2000/svg';

function readLine(path) {
  const points = path.dataset.points.split(' ').map(pair => pair.split(',').map(Number));
  return {name: path.dataset.name, style: path.getAttribute('class'), points};
}

function nearest(points, x) {
  let low = 0, high = points.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < x) low = middle; else high = middle;
  }
  return x - points[low][0] <= points[high][0] - x ? low : high;
}

function addReader(svg) {
  const [x0, x1, y0, y1, left, right, top, bottom] = svg.dataset.range.split(' ').map(Number);
  const atX = x => left + (x - x0) / (x1 - x0) * (right - left);
  const atY = y => bottom - (y - y0) / (y1 - y0) * (bottom - top);
  const figure = svg.closest('figure');
  const cursor = document.createElementNS(SVG, 'g');
  const tip = document.createElement('div');
  let lines = null, main = null, at = -1;
  tip.className = 'tip';
  tip.setAttribute('role', 'status');
  tip.hidden = true;
  figure.append(tip);
  svg.append(cursor);
  svg.tabIndex = 0;

  function load() {
    if (lines) return;
    lines = [...svg.querySelectorAll('path.line')].map(readLine);
    main = lines.reduce((a, b) => b.points.length > a.points.length ? b : a);
  }
  function shape(name, css, attributes) {
    const node = document.createElementNS(SVG, name);
    node.setAttribute('class', css);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    cursor.append(node);
  }
  function row(line, value) {
    const box = document.createElement('div'), number = document.createElement('b');
    if (lines.length > 1) {
      const key = document.createElementNS(SVG, 'svg'), path = document.createElementNS(SVG, 'path');
      key.setAttribute('class', 'key');
      key.setAttribute('viewBox', '0 0 22 8');
      path.setAttribute('class', line.style);
      path.setAttribute('d', 'M1 4h20');
      key.append(path);
      box.append(key);
    }
    box.append(line.name);
    number.textContent = value;
    box.append(number);
    return box;
  }
  function show(index) {
    at = index;
    const x = main.points[index][0], step = document.createElement('div');
    step.textContent = 'step ' + x;
    cursor.replaceChildren();
    tip.replaceChildren(step);
    shape('line', 'cursor', {x1: atX(x), x2: atX(x), y1: top, y2: bottom});
    for (const line of lines) {
      const [px, py] = line.points[nearest(line.points, x)];
      shape('circle', line.style.replace('line', 'mark'), {cx: atX(px), cy: atY(py), r: 3});
      tip.append(row(line, px === x ? py : py + ' at ' + px));
    }
    tip.hidden = false;
    const box = svg.getBoundingClientRect(), frame = figure.getBoundingClientRect();
    const place = box.left - frame.left + atX(x) / 360 * box.width;
    const isRight = place > frame.width / 2;
    tip.style.left = isRight ? 'auto' : place + 10 + 'px';
    tip.style.right = isRight ? frame.width - place + 10 + 'px' : 'auto';
    tip.style.top = box.top - frame.top + 'px';
  }
  function hide() {
    at = -1;
    tip.hidden = true;
    cursor.replaceChildren();
  }
  svg.addEventListener('pointermove', event => {
    load();
    const box = svg.getBoundingClientRect();
    const x = x0 + ((event.clientX - box.left) / box.width * 360 - left) / (right - left) * (x1 - x0);
    show(nearest(main.points, x));
  });
  svg.addEventListener('pointerleave', hide);
  svg.addEventListener('blur', hide);
  svg.addEventListener('keydown', event => {
    const move = {ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10}[event.key];
    if (event.key === 'Escape') hide();
    if (!move) return;
    load();
    event.preventDefault();
    show(Math.min(main.points.length - 1, Math.max(0, at < 0 && move < 0 ? main.points.length - 1 : at + move)));
  });
}

for (const svg of document.querySelectorAll('svg.plot'))
  if (svg.querySelector('path.line')) addReader(svg);
)js";

}  // namespace pgtrain
