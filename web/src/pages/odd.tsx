// What is odd about the labels: rows that no table has, and classes whose names differ only in spelling, to be made one.
import * as calls from "../api/calls";
import type { LabelSummary } from "../api/types";
import { Icon } from "../parts/icons";
import { useChanged, useLoad } from "../parts/load";
import { attempt, may, say } from "../state";
import { t } from "../texts";

type Alike = LabelSummary["alike"][number];

export function Odd() {
    const summary = useLoad(calls.labelSummary, []);
    useChanged(["labels"], summary.reload);
    const { notes, alike } = summary.data ?? { notes: [], alike: [] };
    if (!notes.length && !alike.length) return null;
    return (
        <section class="sheet odd">
            <header><h2>{t.people.odd}</h2></header>
            <div class="stack pad">
                {notes.map((note) => <p class="notice"><Icon name="warn" />{note}</p>)}
                {alike.map((one) => <Names key={`${one.task} ${one.names[0]?.name}`} one={one} done={summary.reload} />)}
            </div>
        </section>
    );
}

function Names({ one, done }: { one: Alike; done: () => void }) {
    const call = async (name: string) => {
        const old = one.names.map((each) => each.name).filter((each) => each !== name);
        const made = await attempt(() => calls.renameClass(one.task, old, name));
        if (!made) return;
        done();
        const back = () => void attempt(() => calls.unrenameClass()).then(done);
        say(t.people.renamed(made.labels, name), "plain", { label: t.people.takeBack, run: back });
    };
    const said = one.names.filter((each) => each.labels);
    return (
        <div class="stack tight">
            <p>{t.people.alike(one.task)}</p>
            <div class="row">
                {one.names.map((each) => <span class="chip mono">{JSON.stringify(each.name)} · {each.labels}</span>)}
            </div>
            {may("curate") ? (
                <div class="row">{said.map((each) => <button type="button" class="button" onClick={() => void call(each.name)}>{t.people.callAll(JSON.stringify(each.name))}</button>)}</div>
            ) : <p class="soft small">{t.people.onlyCurateNames}</p>}
        </div>
    );
}
