// One more condition on a table.
import { useState } from "preact/hooks";
import type { Condition, TableInfo } from "../api/types";
import { Select } from "../parts/basic";
import { typedValue } from "../logic/conditions";
import { t } from "../texts";

const OPS = ["contains", "eq", "ne", "starts", "lt", "le", "gt", "ge", "empty", "filled"] as const;

export function FilterBox({ table, add }: { table: TableInfo; add: (one: Condition) => void }) {
    const [column, setColumn] = useState(table.columns[0]?.name ?? "");
    const [op, setOp] = useState<Condition["op"]>("contains");
    const [text, setText] = useState("");
    const bare = op === "empty" || op === "filled";
    const submit = (event: Event) => {
        event.preventDefault();
        if (bare || text) add({ column, op, value: bare ? null : typedValue(op, text) });
    };
    return (
        <form class="row filter-box sheet" onSubmit={submit}>
            <Select label={t.data.column} value={column} choices={table.columns.map((one) => ({ value: one.name, label: one.name }))} onPick={setColumn} />
            <Select label={t.data.operator} value={op} choices={OPS.map((one) => ({ value: one, label: t.data.ops[one] }))} onPick={(value) => setOp(value as Condition["op"])} />
            {bare ? null : <input class="input grow" aria-label={t.data.value} placeholder={t.data.value} value={text} autofocus onInput={(event) => setText(event.currentTarget.value)} />}
            <button type="submit" class="button main" disabled={!bare && !text}>{t.data.add}</button>
        </form>
    );
}
