// What axe finds: faults of a page that a program can see. The page must let itself be looked into
// (`bypassCSP`).
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** @param {import("./house.js").Page} page @returns {Promise<string[]>} */
export async function faults_axe_finds(page) {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { violations } = await /** @type {any} */ (window).axe.run(document, {
      resultTypes: ["violations"],
    });
    return violations.map(
      (/** @type {any} */ { id, help, nodes }) =>
        `${id}: ${help}: ${nodes.map((/** @type {any} */ node) => `${node.target} (${node.failureSummary})`).join("; ")}`,
    );
  });
}
