// The hall of the stories, as a pretix plan: 24 seats in the stalls, 12 in the gallery, 20 standing.

/** @param {string} name @param {number} y @param {string[]} rows @param {number} seats
 *  @param {string} category @param {object[]} areas */
function zone(name, y, rows, seats, category, areas = []) {
  return {
    name,
    zone_id: name,
    uuid: `zone-${name}`,
    position: { x: 0, y },
    areas,
    rows: rows.map((row, r) => ({
      row_number: row,
      row_number_position: "both",
      uuid: `row-${name}-${row}`,
      position: { x: 100, y: r * 34 },
      seats: Array.from({ length: seats }, (_, i) => ({
        seat_guid: `${name}-${row}-${i + 1}`,
        uuid: `seat-${name}-${row}-${i + 1}`,
        seat_number: String(i + 1),
        position: { x: i * 30, y: 0 },
        category,
      })),
    })),
  };
}

export function hall_plan() {
  return {
    name: "Storyhouse",
    size: { width: 450, height: 420 },
    categories: [
      { name: "Stalls", color: "#9c27b0" },
      { name: "Gallery", color: "#1976d2" },
      { name: "Standing", color: "#2e7d32" },
    ],
    zones: [
      zone("Stalls", 80, ["A", "B", "C"], 8, "Stalls", [
        {
          shape: "rectangle",
          color: "#dddddd",
          border_color: "#999999",
          rotation: 0,
          uuid: "stage",
          position: { x: 120, y: -70 },
          rectangle: { width: 170, height: 40 },
          text: { text: "Stage", color: "#333333", size: 16, position: { x: 85, y: 20 } },
        },
      ]),
      zone("Gallery", 220, ["A"], 12, "Gallery", [
        {
          shape: "rectangle",
          color: "#dddddd",
          border_color: "#999999",
          rotation: 0,
          uuid: "pit",
          position: { x: 140, y: 60 },
          rectangle: { width: 160, height: 70 },
          capacity: 20,
          category: "Standing",
          text: { text: "The Pit", color: "#333333", size: 16, position: { x: 80, y: 35 } },
        },
      ]),
    ],
  };
}
