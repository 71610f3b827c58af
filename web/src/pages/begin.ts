// Beginning a session, from wherever one stands.
import * as calls from "../api/calls";
import type { Kind, NewSession } from "../api/types";
import { address, go } from "../route";
import { attempt } from "../state";

/** Make a session and go there; `row` is the record that a similarity session starts from. */
export async function beginSession(asked: Partial<NewSession> & { kind: Kind }, row: number | null = null): Promise<void> {
    const made = await attempt(() => calls.newSession(asked));
    if (made) go(address(["label", made.session], { row }));
}
