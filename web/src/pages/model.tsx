// One model: its versions side by side, its report and card, and going back to an earlier version.
import { useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { ModelDetail, VersionInfo } from "../api/types";
import { Dialog, Empty, Interval, PageHead, Shown } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useChanged, useLoad } from "../parts/load";
import { flat, shownValue } from "../logic/flat";
import { ago, figure, percent } from "../logic/format";
import { sideBySide } from "../logic/versions";
import { address, go, place } from "../route";
import { attempt, may, say } from "../state";
import { t } from "../texts";
import { SearchModel } from "./model_search";
import { isBehind, modelTitle } from "./models";

export function ModelPage({ name }: { name: string }) {
    const model = useLoad(() => calls.model(name), [name]);
    useChanged(["models"], model.reload);
    return (
        <>
            <PageHead title={modelTitle(name)} about={<span><a href="/models">{t.nav.models}</a>{model.data ? ` / ${t.models.tasks[model.data.task] ?? model.data.task}` : ""}{isBehind({ model: name }) ? ` · ${t.models.behind}` : ""}</span>} />
            <Shown from={model}>{(data) => <Versions model={data} reload={model.reload} />}</Shown>
        </>
    );
}

function Versions({ model, reload }: { model: ModelDetail; reload: () => void }) {
    const [back, setBack] = useState<VersionInfo | null>(null);
    const searches = model.task === "search";
    const tab = place.value.query.get("show") ?? (searches ? "search" : "versions");
    const version = Number(place.value.query.get("version") ?? model.current);
    const show = (next: string) => go(address(["models", model.model], { show: next === (searches ? "search" : "versions") ? null : next, version: version === model.current ? null : version }), true);
    return (
        <div class="stack wide">
            <div class="row tabs" role="tablist">
                {([...(searches ? ["search" as const] : []), "versions", "report", "card"] as const).map((one) => <button type="button" role="tab" class="button small" aria-selected={tab === one} onClick={() => show(one)}>{t.models.tabs[one]}</button>)}
                {tab === "report" || tab === "card" ? <span class="soft small">{t.models.version(version)}</span> : null}
            </div>
            {tab === "search" && searches ? <SearchModel model={model.model} /> : tab === "report" ? <Report model={model.model} version={version} /> : tab === "card" ? <Card model={model.model} version={version} /> : <SideBySide model={model} ask={setBack} />}
            {back ? <RollBack model={model.model} to={back} close={() => setBack(null)} reload={reload} /> : null}
        </div>
    );
}

function SideBySide({ model, ask }: { model: ModelDetail; ask: (version: VersionInfo) => void }) {
    const shown = sideBySide(model.versions);
    const columns = shown.map((one) => flat({ ...one.figures, ...Object.fromEntries(Object.entries(one.settings).map(([name, value]) => [`${name}`, value])) }));
    const names = [...new Set(columns.flatMap((one) => [...one.keys()]))].slice(0, 60);
    return (
        <div class="sheet scroll-x" tabIndex={0} role="region" aria-label={t.models.tabs.versions}>
            <table class="lines versions">
                <thead>
                    <tr><th />{shown.map((one) => (
                        <th class={one.current ? "current" : ""}>
                            <div class="row"><span>{one.version ? t.models.version(one.version) : t.models.first}</span>{one.current ? <span class="chip good">{t.models.inUse}</span> : null}</div>
                        </th>
                    ))}</tr>
                </thead>
                <tbody>
                    <tr class="acts"><td />{shown.map((one) => (
                        <td><div class="row">
                            <a class="button small" href={address(["models", model.model], { show: "report", version: one.version })}>{t.models.tabs.report}</a>
                            <a class="button small" href={address(["models", model.model], { show: "card", version: one.version })}>{t.models.tabs.card}</a>
                            {!one.current && !one.there ? <span class="soft small">{t.models.gone}</span> : null}
                            {!one.current && one.there && may("curate") ? <button type="button" class="button small" onClick={() => ask(one)}><Icon name="undo" size={14} />{t.models.rollBack}</button> : null}
                        </div></td>
                    ))}</tr>
                    <tr><th scope="row">{t.models.made}</th>{shown.map((one) => <td>{one.version ? ago(one.made) : "–"}</td>)}</tr>
                    <tr><th scope="row">{t.models.labels}</th>{shown.map((one) => <td class="tab-figures">{figure(one.labels)}</td>)}</tr>
                    <tr><th scope="row">{t.models.quality}</th>{shown.map((one) => <td>{one.quality ? <span class="row"><span class="tab-figures">{t.models.figure(one.quality.figure)} <strong>{percent(one.quality.value)}</strong></span><Interval {...one.quality} /></span> : <span class="soft">{t.models.unmeasured}</span>}</td>)}</tr>
                    <tr><th scope="row">{t.models.why}</th>{shown.map((one) => <td class="small why-kept">{one.summary || "–"}</td>)}</tr>
                    {names.map((name) => <tr class="detail"><th scope="row">{t.models.names[name] ?? t.models.figure(name)}</th>{columns.map((one) => <td class="tab-figures small">{shownValue(one.get(name))}</td>)}</tr>)}
                </tbody>
            </table>
        </div>
    );
}

function RollBack({ model, to, close, reload }: { model: string; to: VersionInfo; close: () => void; reload: () => void }) {
    const act = async () => {
        const done = await attempt(() => calls.rollback(model, to.version));
        close();
        if (!done) return;
        say(t.models.rolledBack(modelTitle(model), to.version));
        reload();
    };
    return (
        <Dialog title={t.models.rollBackTo(to.version)} close={close}>
            <div class="body"><p>{isBehind({ model }) ? t.models.rollBackBehind : t.models.rollBackAbout}</p></div>
            <footer><button type="button" class="button" onClick={close}>{t.close}</button><button type="button" class="button main" onClick={act}>{t.models.rollBack}</button></footer>
        </Dialog>
    );
}

/** The report is a page of its own, shown in a frame that may run nothing. */
function Report({ model, version }: { model: string; version: number }) {
    const path = calls.reportPath(model, version);
    return (
        <div class="sheet report">
            <iframe sandbox="" src={path} title={t.models.tabs.report} />
            <p class="tiny pad"><a href={path} target="_blank" rel="noreferrer">{t.models.alone}</a></p>
        </div>
    );
}

function Card({ model, version }: { model: string; version: number }) {
    const card = useLoad(() => calls.card(model, version), [model, version]);
    return (
        <Shown from={card}>
            {(data) => {
                const lines = [...flat(data as Record<string, unknown>)];
                if (!lines.length) return <div class="sheet"><Empty icon="models" title={t.models.noCard} /></div>;
                return (
                    <div class="sheet pad"><dl class="values card-values">{lines.map(([name, value]) => <div><dt>{name.replaceAll("_", " ")}</dt><dd>{shownValue(value)}</dd></div>)}</dl></div>
                );
            }}
        </Shown>
    );
}
