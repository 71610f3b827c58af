// How a session stands: what was said, what the next labels would bring, what the model has learnt, and whether people agree.
import * as calls from "../api/calls";
import type { SessionInfo, SessionProgress } from "../api/types";
import { Bar, Ghost } from "../parts/basic";
import { Icon } from "../parts/icons";
import { duration, figure, percent, score } from "../logic/format";
import { attempt, jobs, noteJob } from "../state";
import { t } from "../texts";
import { Curve } from "./curve";

/** A model is trained again after so many answers. */
const ROUND = 25;

export function SessionSide({ info, progress }: { info: SessionInfo; progress: SessionProgress | null }) {
    if (!progress) return <aside class="session-side"><Ghost lines={5} /></aside>;
    return (
        <aside class="session-side stack wide" aria-label={t.session.stands}>
            <Counts kind={info.kind} progress={progress} />
            <Learning info={info} progress={progress} />
            {progress.gain ? <Gain gain={progress.gain} /> : null}
            {progress.curve.length > 1 ? <Curve points={progress.curve} figure={progress.effect?.figure ?? ""} /> : null}
            {progress.purity !== null ? <Fact name={t.session.purity} value={percent(progress.purity, 0)} about={t.session.purityAbout} /> : null}
            {progress.agreement ? <Fact name={t.session.agreement} value={score(progress.agreement.alpha)} about={progress.agreement.sentence} /> : null}
            <People progress={progress} />
        </aside>
    );
}

function Counts({ kind, progress }: { kind: SessionInfo["kind"]; progress: SessionProgress }) {
    const said = Object.entries(progress.by_value).sort(([, one], [, other]) => other - one);
    return (
        <section class="stack tight" aria-label={t.session.answers}>
            <div class="row apart">
                <span><strong class="big tab-figures" data-testid="answers">{figure(progress.answers)}</strong> <span class="soft">{t.session.answersOf(progress.answers)}</span></span>
                {progress.left !== null ? <span class="soft small tab-figures">{t.session.left(figure(progress.left))}</span> : null}
            </div>
            <div class="row small">
                {said.slice(0, 6).map(([value, count]) => <span class="chip">{kind === "judgement" ? t.judge.gradeSaid(Number(value), t.judge.grades[Number(value)] ?? "") : t.session.values[value] ?? value} <span class="tab-figures">{figure(count)}</span></span>)}
                {said.length > 6 ? <span class="tiny">{t.session.more(said.length - 6)}</span> : null}
            </div>
        </section>
    );
}

function Learning({ info, progress }: { info: SessionInfo; progress: SessionProgress }) {
    const { effect } = progress;
    const training = progress.training ? { ...progress.training, ...jobs.value.get(progress.training.job) } : null;
    const busy = training && (training.state === "running" || training.state === "waiting");
    const start = async () => {
        const job = await attempt(() => calls.retrain(info.session));
        if (job) noteJob(job);
    };
    return (
        <section class="stack tight" aria-label={t.session.learning}>
            {busy ? (
                <>
                    <div class="row apart small"><strong>{t.session.training}</strong><span class="soft tab-figures">{training.seconds_left === null ? "" : t.jobs.left(duration(training.seconds_left))}</span></div>
                    <Bar share={training.state === "waiting" ? null : training.share} label={t.session.training} />
                    <p class="tiny">{t.session.goOn}</p>
                </>
            ) : progress.until_retrain <= 0 && !progress.answers ? null : (
                <>
                    <div class="row apart small"><span>{info.kind === "judgement" ? t.session.byHand : t.session.until(progress.until_retrain)}</span><button type="button" class="button small plain learn" disabled={!progress.answers} onClick={start}>{t.session.trainNow}</button></div>
                    {info.kind === "judgement" ? null : <Bar share={Math.max(0, ROUND - progress.until_retrain) / ROUND} label={t.session.until(progress.until_retrain)} />}
                </>
            )}
            {effect ? (
                <div class="effect notice good" data-testid="effect" data-version={effect.version}>
                    <Icon name="check" size={16} />
                    <span>{effect.sentence}</span>
                </div>
            ) : null}
        </section>
    );
}

function Gain({ gain }: { gain: NonNullable<SessionProgress["gain"]> }) {
    if (gain.stop) return <div class="notice accent" data-testid="stop"><Icon name="check" size={16} /><span>{gain.advice}</span></div>;
    return (
        <section class="stack tight">
            <h3>{t.session.gain(gain.ahead)}</h3>
            <p class="small">{gain.advice}</p>
            {gain.for_a_point ? <p class="tiny">{t.session.forAPoint(gain.for_a_point)}</p> : null}
        </section>
    );
}

function Fact({ name, value, about }: { name: string; value: string; about: string }) {
    return (
        <section class="stack tight">
            <div class="row apart"><h3>{name}</h3><strong class="tab-figures">{value}</strong></div>
            <p class="tiny">{about}</p>
        </section>
    );
}

function People({ progress }: { progress: SessionProgress }) {
    const people = Object.entries(progress.by_person);
    if (people.length < 2) return null;
    return (
        <section class="stack tight">
            <h3>{t.session.who}</h3>
            <ul class="small">{people.map(([person, count]) => <li class="row apart"><span>{person}</span><span class="tab-figures soft">{figure(count)}</span></li>)}</ul>
        </section>
    );
}
