// A text cut at its marks. The server counts characters, the browser half characters: they part at emojis.

export interface MarkedPart {
    readonly text: string;
    readonly marked: boolean;
}

/** The parts of a text in order; `marks` are start and end in characters, rising. */
export function markedParts(text: string, marks: readonly (readonly number[])[]): MarkedPart[] {
    const signs = [...text];
    const found: MarkedPart[] = [];
    let at = 0;
    for (const [start = 0, end = 0] of marks) {
        if (start < at || end <= start) continue;
        if (start > at) found.push({ text: signs.slice(at, start).join(""), marked: false });
        found.push({ text: signs.slice(start, end).join(""), marked: true });
        at = end;
    }
    if (at < signs.length) found.push({ text: signs.slice(at).join(""), marked: false });
    return found;
}

/** The filters in a line, which stand between commas; a comma inside a value stays: `journal=Nature, London` is one. */
export function conditionsOf(line: string): string[] {
    return line.split(/,(?=[^,]*[=<>~])/).map((one) => one.trim().replace(/,+$/, "").trim()).filter(Boolean);
}
