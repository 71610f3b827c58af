// Home: the workspace at a glance and what would help most now.
import * as calls from "../api/calls";
import type { Home, ModelInfo, SessionInfo, TableInfo } from "../api/types";
import { Empty, Interval, PageHead, Shown } from "../parts/basic";
import { Icon, type IconName } from "../parts/icons";
import { useChanged, useLoad } from "../parts/load";
import { Count } from "../parts/record";
import { ago, figure, percent } from "../logic/format";
import { address } from "../route";
import { t } from "../texts";
import { beginSession } from "./begin";
import { modelTitle } from "./models";

export function HomePage() {
    const home = useLoad(calls.home, []);
    useChanged(["labels", "models", "clusters", "tables"], home.reload);
    return (
        <>
            <PageHead title={t.home.title} about={t.home.about} />
            <Shown from={home}>{(data) => <Glance home={data} />}</Shown>
        </>
    );
}

function Glance({ home }: { home: Home }) {
    return (
        <div class="home">
            <div class="stack wide">
                <NextSteps home={home} />
                <Models models={home.models} />
            </div>
            <div class="stack wide">
                <Labels home={home} />
                <Sessions sessions={home.sessions} />
                <Tables tables={home.tables} />
            </div>
        </div>
    );
}

const ADVICE_ICON: Record<string, IconName> = {
    label_pairs: "label", label_classes: "label", label_similar: "similar", judge_search: "search", fit: "models",
    settle_conflicts: "people", add_table: "data", use_model: "models", look_at_clusters: "clusters",
};
const ADVICE_PLACE: Record<string, string> = { fit: "/models", settle_conflicts: "/people", add_table: "/data", use_model: "/models", look_at_clusters: "/clusters" };

function NextSteps({ home }: { home: Home }) {
    const [first, ...rest] = home.advice;
    if (!first) return <div class="sheet"><Empty icon="check" title={t.home.nothing}><p>{t.home.nothingAbout}</p></Empty></div>;
    return (
        <section class="stack" aria-label={t.home.next}>
            <div class="sheet first-step">
                <span class="eyebrow">{t.home.next}</span>
                <p class="lead">{first.sentence}</p>
                <div><Step advice={first} main /></div>
            </div>
            {rest.length ? (
                <ul class="sheet steps">
                    {rest.map((one) => (
                        <li><Icon name={ADVICE_ICON[one.what] ?? "label"} /><span class="grow">{one.sentence}</span><Step advice={one} /></li>
                    ))}
                </ul>
            ) : null}
        </section>
    );
}

function Step({ advice, main = false }: { advice: Home["advice"][number]; main?: boolean }) {
    const looks = main ? "button main" : "button small";
    const label = t.home.does(advice.what);
    const where = ADVICE_PLACE[advice.what];
    if (where || !advice.kind) return <a class={looks} href={where ?? "/label"}>{label}</a>;
    return (
        <button type="button" class={looks} onClick={() => void beginSession({ kind: advice.kind as SessionInfo["kind"], table: advice.table ?? null })}>{label}</button>
    );
}

function Labels({ home }: { home: Home }) {
    const { labels, clusters } = home;
    return (
        <section class="sheet pad counts" aria-label={t.home.labels}>
            <Count value={labels.pair} of={t.home.kinds.pair} />
            <Count value={labels.class} of={t.home.kinds.class} />
            <Count value={labels.group} of={t.home.kinds.group} />
            <Count value={labels.judgement} of={t.home.kinds.judgement} />
            {clusters ? (
                <p class="counts-foot row apart">
                    <a href="/clusters">{t.home.entities(clusters.entities, clusters.merged, clusters.weak)}</a>
                    <a href="/api/report" target="_blank" rel="noreferrer">{t.home.report}</a>
                </p>
            ) : null}
        </section>
    );
}

function Models({ models }: { models: readonly ModelInfo[] }) {
    return (
        <section class="sheet">
            <header><h2>{t.nav.models}</h2><a href="/models">{t.home.all}</a></header>
            {models.length ? (
                <ul class="list">
                    {models.map((model) => (
                        <li>
                            <a href={address(["models", model.model])}>
                                <span class="grow"><strong>{modelTitle(model.model)}</strong> <span class="soft small">{t.models.tasks[model.task] ?? model.task} · {t.models.version(model.version)} · {ago(model.made)}</span></span>
                                {model.quality ? (
                                    <span class="row"><Interval {...model.quality} /><span class="tab-figures"><span class="soft small">{t.models.figure(model.quality.figure)}</span> {percent(model.quality.value)}</span></span>
                                ) : <span class="soft small">{t.models.unmeasured}</span>}
                            </a>
                        </li>
                    ))}
                </ul>
            ) : <p class="pad soft">{t.home.noModels}</p>}
        </section>
    );
}

function Sessions({ sessions }: { sessions: readonly SessionInfo[] }) {
    if (!sessions.length) return null;
    return (
        <section class="sheet">
            <header><h2>{t.home.sessions}</h2><a href="/label">{t.home.all}</a></header>
            <ul class="list">
                {sessions.map((one) => (
                    <li>
                        <a href={address(["label", one.session])}>
                            <span class="grow">{one.name}</span>
                            <span class="soft small tab-figures">{t.label.answers(one.answers)}</span>
                        </a>
                    </li>
                ))}
            </ul>
        </section>
    );
}

function Tables({ tables }: { tables: readonly TableInfo[] }) {
    return (
        <section class="sheet">
            <header><h2>{t.home.tables}</h2><a href="/data">{t.home.browse}</a></header>
            <ul class="list">
                {tables.map((table) => (
                    <li>
                        <a href={address(["data", table.table])}>
                            <span class="grow">{table.table} <span class="chip">{t.data.origins[table.origin]}</span></span>
                            <span class="soft small tab-figures">{t.data.size(figure(table.rows), table.columns.length)}</span>
                        </a>
                    </li>
                ))}
            </ul>
        </section>
    );
}
