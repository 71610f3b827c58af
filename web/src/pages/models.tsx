// Models: what there is, how good and how old it is; teaching a new one; what runs.
import { useState } from "preact/hooks";
import * as calls from "../api/calls";
import type { ModelInfo } from "../api/types";
import { Empty, Interval, PageHead, Shown } from "../parts/basic";
import { Icon } from "../parts/icons";
import { JobLine } from "../parts/jobs";
import { useChanged, useLoad } from "../parts/load";
import { ago, figure, percent } from "../logic/format";
import { address, place } from "../route";
import { jobs, may } from "../state";
import { t } from "../texts";
import { FitForm } from "./fit";
import { ModelPage } from "./model";

export function ModelsPage() {
    const name = place.value.parts[1];
    return name ? <ModelPage key={name} name={name} /> : <AllModels />;
}

function AllModels() {
    const models = useLoad(calls.models, []);
    const [fitting, setFitting] = useState(false);
    useChanged(["models"], models.reload);
    return (
        <>
            <PageHead title={t.models.title} about={t.models.about}>
                {may("curate") ? <button type="button" class="button main" aria-expanded={fitting} onClick={() => setFitting(!fitting)}><Icon name="plus" />{t.models.fit}</button> : null}
            </PageHead>
            <div class="home">
                <div class="stack wide">
                    {fitting ? <FitForm done={() => setFitting(false)} /> : null}
                    <Shown from={models}>
                        {(all) => (all.length ? <ul class="model-cards">{all.map((one) => <ModelCard one={one} />)}</ul> : (
                            <div class="sheet"><Empty icon="models" title={t.models.none}><p>{t.models.noneAbout}</p><a class="button" href="/label">{t.nav.label}</a></Empty></div>
                        ))}
                    </Shown>
                </div>
                <Jobs />
            </div>
        </>
    );
}

/** A model that background learning keeps up to date for sessions. */
export function isBehind(one: { readonly model: string }): boolean {
    return one.model.endsWith(" (behind)");
}

export function modelTitle(model: string): string {
    return model.replace(/ \(behind\)$/, "");
}

function ModelCard({ one }: { one: ModelInfo }) {
    return (
        <li class="sheet model-card">
            <a class="card-box" href={address(["models", one.model])}>
                <div class="row apart">
                    <strong class="lead">{modelTitle(one.model)}</strong>
                    <span class="chip accent">{t.models.tasks[one.task] ?? one.task}</span>
                </div>
                {one.summary ? <p class="small soft">{one.summary}</p> : null}
                <div class="row apart">
                    {one.quality ? <span class="row"><span class="soft small">{t.models.figure(one.quality.figure)}</span><strong class="tab-figures">{percent(one.quality.value)}</strong><Interval {...one.quality} /></span> : <span class="soft small">{t.models.unmeasured}</span>}
                    <span class="soft small tab-figures">{isBehind(one) ? `${t.models.behind} · ` : ""}{t.models.versions(one.versions)} · {t.models.fromLabels(figure(one.labels))} · {ago(one.made)}</span>
                </div>
            </a>
        </li>
    );
}

function Jobs() {
    const all = [...jobs.value.values()].sort((one, other) => other.made_at.localeCompare(one.made_at)).slice(0, 8);
    return (
        <section class="sheet">
            <header><h2>{t.jobs.title}</h2></header>
            {all.length ? <ul class="jobs">{all.map((job) => <JobLine key={job.job} job={job} />)}</ul> : <p class="pad soft small">{t.jobs.none}</p>}
        </section>
    );
}
