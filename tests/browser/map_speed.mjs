// How many frames a second the map draws while it is moved and zoomed: `node tests/browser/map_speed.mjs [canvas|webgl] [POINTS]`,
// one JSON object on standard output. The points are made up; the server only hands out the page.
import { browser, person, serve, workspace } from "./bench.mjs";

const draw = process.argv[2] ?? "canvas";
const count = Number(process.argv[3] ?? 200_000);
const place = workspace();
const [server, machine] = await Promise.all([serve(place.path), browser()]);
const { page } = await person(machine, server.address);

let seed = 7;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
const points = Float32Array.from({ length: 2 * count }, () => (random() + random() + random()) / 1.5 - 1);
const codes = Uint16Array.from({ length: count }, () => Math.floor(8 * random()));
const info = { table: "records", count, ready: true, method: "pca", job: null, colours: [{ name: "label", kind: "category", values: [..."abcdefgh"], low: null, high: null }] };
const raw = (array) => ({ contentType: "application/octet-stream", body: Buffer.from(array.buffer) });
await page.route("**/api/map?*", (route) => route.fulfill({ json: info }));
await page.route("**/api/map/points?*", (route) => route.fulfill(raw(points)));
await page.route("**/api/map/colours?*", (route) => route.fulfill(raw(codes)));
await page.goto(`${server.base}/map?draw=${draw}`);
const plane = page.locator("canvas.plane[data-kind]");
await plane.waitFor();
await page.waitForTimeout(1500);
const gaps = await page.evaluate(async () => {
    const canvas = document.querySelector("canvas.plane");
    const box = canvas.getBoundingClientRect();
    const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true, cancelable: true };
    const found = [];
    let last = 0;
    for (let frame = 0; frame < 150; frame += 1) {
        const now = await new Promise((done) => requestAnimationFrame(() => done(performance.now())));
        if (last) found.push(now - last);
        last = now;
        canvas.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY: frame % 60 < 30 ? -30 : 30 }));
    }
    return found.sort((one, other) => one - other);
});
const at = (share) => gaps[Math.floor(share * (gaps.length - 1))];
console.log(JSON.stringify({ bench: "map", drawn: await plane.getAttribute("data-kind"), points: count, frames: gaps.length, p50_ms: Number(at(0.5).toFixed(1)), p95_ms: Number(at(0.95).toFixed(1)), frames_per_second: Number((1000 / at(0.5)).toFixed(1)) }));
await machine.close();
await server.stop();
place.remove();
