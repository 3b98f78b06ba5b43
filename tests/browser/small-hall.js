// A hall small enough to be counted by hand: two sections one above the other, and a standing area.

/** @returns {import("../../static/plan.js").Layout} seats 0..7 stalls, 8..15 the gallery right above,
 *  16..20 standing */
export function small_hall() {
  /** @param {string} label @param {number} first @param {number} y @param {number} category
   *  @returns {import("../../static/plan.js").LayoutRow} */
  const row = (label, first, y, category) => ({
    label,
    first,
    gaps: [2],
    seats: [0, 1, 2, 3].map((i) => [String(i + 1), i * 20, y, category]),
  });
  return {
    show: "small",
    epoch: "7",
    seats: 21,
    categories: [
      { name: "Stalls", color: "#9c27b0", price: 4500 },
      { name: "Gallery", color: "#1976d2", price: 2000 },
    ],
    sections: [
      { name: "Stalls", rows: [row("A", 0, 0, 0), row("B", 4, 20, 0)] },
      { name: "Gallery", rows: [row("A", 8, 0, 1), row("B", 12, 20, 1)] },
    ],
    areas: [
      {
        name: "Floor",
        category: 1,
        first: 16,
        count: 5,
        shape: { shape: "rectangle", x: 0, y: 60, width: 60, height: 30 },
      },
    ],
    decorations: [],
    size: { width: 100, height: 100 },
  };
}
