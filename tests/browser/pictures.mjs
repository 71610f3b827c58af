// Takes the pictures of docs/workbench.md: `node tests/browser/pictures.mjs [NAME …]`. Each page at 1280 and at 400 pixels,
// and some of them dark (DARK=1: all). They go to docs/pictures, or where PICTURES says; FRESH=1 leaves out the answers given before.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { api, browser, person, ROOT, serve, TRAINING, until, workspace } from "./bench.mjs";

const OUT = process.env.PICTURES ?? join(ROOT, "docs/pictures");
const WANTED = process.argv.slice(2);
const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 400, height: 820 } };
mkdirSync(OUT, { recursive: true });

const place = workspace();
const [server, machine] = await Promise.all([serve(place.path), browser()]);

async function answerMany(session, many, value) {
    for (let count = 0; count < many; count += 1) {
        const { items } = await api(server, `/sessions/${session}/next?count=1`);
        if (!items.length) return;
        await api(server, `/sessions/${session}/answers`, { key: `${session}-${count}`, item: items[0].item, value: value(items[0], count), seconds: 2 });
    }
}

const valueOf = (record, column) => record.values[record.columns.indexOf(column)] ?? "";

async function rest() {
    await until(async () => (await api(server, "/jobs")).every((job) => !["running", "waiting"].includes(job.state)), "the models have learnt", 4 * TRAINING);
}

/** Another person answers some of the same questions, a few of them differently. */
async function second() {
    const { token } = await api(server, "/people", { person: "bo", role: "curate" });
    await api(server, "/people", { person: "chi", role: "label" });
    const { events } = await api(server, "/labels?shape=class&limit=24");
    const labels = events.map((one, count) => ({ key: `bo-${one.event}`, shape: "class", rows: one.rows, value: count % 9 === 4 ? ["Kitchen"] : one.value, task: one.task }));
    const pairs = (await api(server, "/labels?shape=pair&limit=18")).events;
    labels.push(...pairs.map((one, count) => ({ key: `bo-${one.event}`, shape: "pair", rows: one.rows, value: count === 3 ? (one.value === "match" ? "not" : "match") : one.value })));
    await api(server, "/label", { labels }, token);
}

/** A workspace that somebody has worked in: answers of two people, models with versions, a cluster split. */
async function lived() {
    const pair = (await api(server, "/sessions", { kind: "pair" })).session;
    const classes = (await api(server, "/sessions", { kind: "class", table: "north" })).session;
    const group = (await api(server, "/sessions", { kind: "group", table: "records" })).session;
    const judgement = (await api(server, "/sessions", { kind: "judgement", table: "records" })).session;
    if (process.env.FRESH) return { pair, classes, group, judgement };
    await answerMany(pair, 50, (item) => (item.suggestion && item.suggestion.score > 0.5 ? "match" : "not"));
    await answerMany(classes, 40, (item) => [valueOf(item.record, "category") || "Other"]);
    await rest();
    await answerMany(group, 4, (item) => {
        const own = valueOf(item.focus, "category");
        const same = item.neighbours.filter((one) => own && valueOf(one.record, "category") === own).map((one) => one.record.row);
        const other = item.neighbours.map((one) => one.record.row).filter((row) => !same.includes(row));
        return { same, other, name: own };
    });
    const { items } = await api(server, `/sessions/${judgement}/next?query=${encodeURIComponent("cordless hedge trimmer")}`);
    const grades = items[0].hits.slice(0, 6).map((hit, place) => ({ row: hit.record.row, grade: Math.max(0, 3 - place) }));
    await api(server, `/sessions/${judgement}/answers`, { key: "grades", item: items[0].item, value: { query: items[0].query, grades } });
    for (const effort of ["quick", "normal"]) {
        await api(server, "/models/fit", { task: "classify", name: "categories", effort, table: "north", text: ["name", "description"], label: "category" });
        await rest();
    }
    await second();
    const largest = (await api(server, "/clusters?order=largest&limit=1")).clusters[0];
    const { records } = await api(server, `/clusters/${largest.cluster}`);
    await api(server, "/clusters/split", { key: "split", cluster: largest.cluster, records: [records.at(-1).row] });
    await rest();
    await rules();
    return { pair, classes, group, judgement };
}

/** Some rules of thumb, one of them bad. */
async function rules() {
    const some = [
        { name: "garden", gives: "Garden", words: ["mower", "trimmer", "rake", "hose", "shears"] },
        { name: "kitchen", gives: "Kitchen", pattern: "pan|kettle|knife|blender|toaster" },
        { name: "light", gives: "Lighting", words: ["lamp", "lantern", "bulb"] },
        { name: "small", gives: "Kitchen", words: ["compact"] },
    ];
    for (const rule of some) {
        const reply = await fetch(`${server.base}/api/heuristics`, { method: "PUT", headers: { authorization: `Bearer ${server.token}`, "content-type": "application/json" }, body: JSON.stringify({ table: "north", ...rule }) });
        if (!reply.ok) throw new Error(await reply.text());
    }
    await api(server, "/heuristics/apply", { table: "north", sure: 0.6 });
}

const sessions = await lived();
const { clusters } = await api(server, "/clusters?order=weakest&limit=1");
const PAGES = {
    home: { path: "/", ready: ".first-step" },
    data: { path: "/data/records?column=brand", ready: ".grid tbody tr" },
    match: { path: `/label/${sessions.pair}`, ready: "[data-testid=pair]", keys: ["e"], then: ".why-lines li" },
    similar: { path: `/label/${sessions.group}?row=3`, ready: ".cards .card" },
    classes: { path: `/label/${sessions.classes}`, ready: "[data-testid=class]" },
    judge: { path: `/label/${sessions.judgement}`, ready: "#query", fill: ["#query", "cordless hedge trimmer"], then: ".hits li" },
    label: { path: "/label", ready: ".kinds" },
    heuristics: { path: "/label/heuristics?table=north", ready: ".rules tbody tr", fills: [["#rule-class", "Power tools"], ["#rule-text", "drill, saw, cordless, hammer"]], then: ".rule-rows mark", wait: 800 },
    joined: { path: "/label/heuristics?table=north", ready: ".rules tbody tr", scroll: "[data-testid=joined]", wait: 600 },
    map: { path: "/map", ready: "canvas.plane[data-kind]", wait: 1500 },
    clusters: { path: clusters.length ? `/clusters/${clusters[0].cluster}` : "/clusters", ready: clusters.length ? ".records tbody tr" : "main" },
    models: { path: "/models", ready: ".model-card, .empty", click: "Teach a model", wait: 1200 },
    model: { path: "/models/categories", ready: ".versions tbody tr" },
    behind: { path: "/models/pairs%20(behind)", ready: ".versions tbody tr" },
    keys: { path: "/label", ready: ".kinds", keys: ["?"] },
    people: { path: "/people", ready: ".people tbody tr" },
};
const DARK = process.env.DARK ? Object.keys(PAGES) : ["match", "map", "home", "heuristics"];

async function prepare(page, one) {
    await page.goto(server.base + one.path);
    await page.locator(one.ready).first().waitFor({ timeout: TRAINING });
    for (const key of one.keys ?? []) await page.keyboard.press(key);
    if (one.click) await page.getByRole("button", { name: one.click }).first().click();
    for (const fill of one.fills ?? []) await page.fill(...fill);
    if (one.fill) {
        await page.fill(...one.fill);
        await page.keyboard.press("Enter");
    }
    if (one.then) await page.locator(one.then).first().waitFor({ timeout: TRAINING });
    if (one.scroll) await page.locator(one.scroll).scrollIntoViewIfNeeded();
    await page.waitForTimeout(one.wait ?? 400);
}

const faults = [];
const sizes = Object.entries(SIZES).filter(([size]) => !process.env.SIZE || process.env.SIZE === size);
for (const [size, viewport] of sizes) {
    for (const colorScheme of process.env.FRESH ? ["light"] : ["light", "dark"]) {
        const { page, context, faults: here } = await person(machine, server.address, { viewport, colorScheme });
        for (const [name, one] of Object.entries(PAGES)) {
            if ((WANTED.length && !WANTED.includes(name)) || (colorScheme === "dark" && !DARK.includes(name))) continue;
            const file = join(OUT, `workbench-${name}-${size}${colorScheme === "dark" ? "-dark" : ""}.png`);
            try {
                await prepare(page, one);
            } catch (fault) {
                faults.push(`${name} ${size}: ${fault}`);
            }
            await page.screenshot({ path: file });
            console.log(file);
        }
        faults.push(...here);
        await context.close();
    }
}
await machine.close();
await server.stop();
place.remove();
if (faults.length) {
    console.error(faults.join("\n"));
    process.exitCode = 1;
}
