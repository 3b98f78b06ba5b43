/**
 * Elements: finding and making parts of a page, with their types.
 */

/** The element of this id, which must be there and of this kind.
 *  @template {HTMLElement} T @param {string} id @param {new () => T} kind @returns {T} */
export function by_id(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return element;
}

/** A new element with attributes (`false` and null leave one out) and children.
 *  @template {keyof HTMLElementTagNameMap} T
 *  @param {T} tag @param {Record<string, string | number | boolean | null>} [attributes]
 *  @param {(Node | string)[]} children @returns {HTMLElementTagNameMap[T]} */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}
