// Which pieces of a value are marked. Differences come letter by letter; people read words.
import type { Part } from "../api/types";

/** A word that shares less than this part of its letters with the other side is marked whole. */
const SHARED = 0.7;

interface Piece {
    text: string;
    same: boolean;
}

/** Pieces with whole words marked where little of them is shared, and the space between two marked words marked with them. */
export function calm(parts: readonly Part[]): Part[] {
    const words = wordsOf(parts);
    const pieces = words.flatMap((word) => (blank(word) || sharedOf(word) >= SHARED ? word : [{ text: textOf(word), same: false }]));
    pieces.forEach((piece, index) => {
        const [before, after] = [pieces[index - 1], pieces[index + 1]];
        if (/^\s+$/.test(piece.text)) piece.same = !(before && after && !before.same && !after.same);
    });
    return joined(pieces);
}

function textOf(word: readonly Piece[]): string {
    return word.map((piece) => piece.text).join("");
}

function blank(word: readonly Piece[]): boolean {
    return textOf(word).trim() === "";
}

function sharedOf(word: readonly Piece[]): number {
    const shared = word.filter((piece) => piece.same).reduce((sum, piece) => sum + piece.text.length, 0);
    return shared / Math.max(1, textOf(word).length);
}

/** Pieces cut at every change between letters and blanks, grouped by word. */
function wordsOf(parts: readonly Part[]): Piece[][] {
    const words: Piece[][] = [];
    let last: boolean | null = null;
    for (const part of parts) {
        for (const text of part.text.match(/\s+|\S+/g) ?? []) {
            const space = text.trim() === "";
            const piece = { text, same: part.same };
            if (last === space) words.at(-1)?.push(piece);
            else words.push([piece]);
            last = space;
        }
    }
    return words;
}

function joined(pieces: readonly Piece[]): Part[] {
    const found: Piece[] = [];
    for (const piece of pieces) {
        const last = found.at(-1);
        if (last && last.same === piece.same) last.text += piece.text;
        else found.push({ ...piece });
    }
    return found;
}
