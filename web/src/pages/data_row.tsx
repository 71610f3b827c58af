// One row: all its values, what people said of it, and ways to go on from it.
import * as calls from "../api/calls";
import type { TableInfo } from "../api/types";
import { Shown } from "../parts/basic";
import { Icon } from "../parts/icons";
import { useLoad } from "../parts/load";
import { SourceName, Values } from "../parts/record";
import { ago, titleOf } from "../logic/format";
import { t } from "../texts";
import { beginSession } from "./begin";
import type { Show } from "./data";

export function RowPanel({ table, row, show, offset }: { table: TableInfo; row: number; show: Show; offset: number }) {
    const detail = useLoad(() => calls.row(table.table, row), [table.table, row]);
    return (
        <aside class="panel sheet" aria-label={t.data.record}>
            <header>
                <h2>{t.data.record}</h2>
                <button type="button" class="icon-button" aria-label={t.close} onClick={() => show({ row: null, offset })}><Icon name="close" /></button>
            </header>
            <div class="stack panel-body">
                <Shown from={detail}>
                    {(data) => (
                        <>
                            <div class="stack tight">
                                <h3>{titleOf(data.columns, data.values)}</h3>
                                <SourceName record={data} />
                            </div>
                            <div class="row">
                                <button type="button" class="button small" onClick={() => show({ like: row, q: "", sort: null, row: null })}><Icon name="similar" />{t.data.similar}</button>
                                <button type="button" class="button small" onClick={() => void beginSession({ kind: "group", table: table.table }, row)}><Icon name="label" />{t.data.labelLike}</button>
                            </div>
                            <Values record={data} most={200} />
                            {data.labels.length ? (
                                <section class="stack tight">
                                    <h3>{t.data.said}</h3>
                                    <ul class="stack tight small">
                                        {data.labels.map((one) => (
                                            <li class="row apart"><span><span class="chip accent">{t.data.labelValue(one.value)}</span> {one.person}</span><span class="soft">{ago(one.at)}</span></li>
                                        ))}
                                    </ul>
                                </section>
                            ) : null}
                        </>
                    )}
                </Shown>
            </div>
        </aside>
    );
}
