// Writes src/map/compiled.js: the functions that regl would make at run time while a map is drawn, moved, zoomed and
// lassoed. Run it after an update of regl or regl-scatterplot, on a built page: `make web && node web/scripts/compile-map.mjs`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { browser, person, ROOT, serve, TRAINING, workspace } from "../../tests/browser/bench.mjs";

const place = workspace();
const [server, machine] = await Promise.all([serve(place.path), browser()]);
// Only here may code be made from text: the recording runs without the content security policy.
const { page } = await person(machine, server.address, { bypassCSP: true });
await page.goto(`${server.base}/map?draw=webgl`);
const plane = page.locator("canvas.plane[data-kind]");
await plane.waitFor({ timeout: TRAINING });
await page.waitForTimeout(2000);
const box = await plane.boundingBox();
const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];

async function drag(steps, reach) {
    await page.mouse.move(x + reach, y);
    await page.mouse.down();
    for (let step = 1; step <= steps; step += 1) await page.mouse.move(x + reach * Math.cos((6.28 * step) / steps), y + reach * Math.sin((6.28 * step) / steps));
    await page.mouse.up();
    await page.waitForTimeout(500);
}

await drag(6, 40);
await page.mouse.wheel(0, -300);
await page.waitForTimeout(300);
await page.keyboard.press("0");
await page.getByRole("button", { name: "Lasso" }).click();
await drag(30, 120);
await page.keyboard.press("Escape");
await page.locator(".map-side select").selectOption({ index: 1 }).catch(() => null);
await page.waitForTimeout(500);
const found = await page.evaluate(() => Object.entries(document.querySelector("canvas.plane").compiled ?? {}).map(([key, made]) => [key, String(made)]));
console.log(`${await plane.getAttribute("data-kind")}: ${found.length} functions`);
await machine.close();
await server.stop();
place.remove();
if (!found.length) process.exit(1);
const lines = found.sort(([one], [other]) => (one < other ? -1 : 1)).map(([key, source]) => `    "${key}": ${source.replace(/^function anonymous/, "function ")},`);
writeFileSync(join(ROOT, "web/src/map/compiled.js"), `// Made by scripts/compile-map.mjs: do not edit.\nexport const COMPILED = {\n${lines.join("\n")}\n};\n`);
