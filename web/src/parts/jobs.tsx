// Work in the background: how far it is, how long it still takes, and a way to stop it.
import * as calls from "../api/calls";
import type { Job } from "../api/types";
import { duration, percent } from "../logic/format";
import { attempt, may, noteJob } from "../state";
import { t } from "../texts";
import { Bar } from "./basic";

const active = (job: Job) => job.state === "running" || job.state === "waiting";

export function howFar(job: Job): string {
    if (job.state === "waiting") return t.jobs.waiting;
    const left = job.seconds_left === null ? t.jobs.running : t.jobs.left(duration(job.seconds_left));
    return job.step ? `${t.jobs.step(job.step)} · ${left}` : left;
}

/** The one line in the frame while something runs. */
export function Working({ jobs }: { jobs: readonly Job[] }) {
    const job = jobs.find(active);
    if (!job) return null;
    return (
        <a class="working" href="/models">
            <span>{t.jobs.kind(job.kind)}</span>
            <Bar share={job.state === "waiting" ? null : job.share} label={t.jobs.kind(job.kind)} />
            <span class="soft">{howFar(job)}</span>
        </a>
    );
}

export function JobLine({ job }: { job: Job }) {
    const stop = async () => {
        const stopped = await attempt(() => calls.cancel(job.job));
        if (stopped) noteJob(stopped);
    };
    return (
        <li class="job">
            <div class="row apart">
                <strong>{t.jobs.kind(job.kind)}</strong>
                <span class={`chip ${job.state === "failed" ? "bad" : job.state === "done" ? "good" : ""}`}>{t.jobs.states[job.state]}</span>
            </div>
            {active(job) ? (
                <>
                    <Bar share={job.state === "waiting" ? null : job.share} label={t.jobs.kind(job.kind)} />
                    <div class="row apart small soft">
                        <span class="tab-figures">{howFar(job)}{job.state === "running" ? ` · ${percent(job.share, 0)}` : ""}</span>
                        {may("curate") ? <button type="button" class="button small danger" onClick={stop}>{t.jobs.cancel}</button> : null}
                    </div>
                </>
            ) : (
                <p class="small soft">{job.error ?? t.jobs.took(duration(job.seconds), job.made_by)}</p>
            )}
        </li>
    );
}
