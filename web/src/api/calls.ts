// One function for each thing the page asks of the server.
import { bytes, got, http, post } from "./client";
import type { Condition, FitAsked, LabelGiven, Kind, NewSession, Role, RuleGiven } from "./types";

export const me = () => got(http.GET("/api/me"));
export const login = (token: string) => got(http.POST("/api/login", { body: { token } }));
export const home = () => got(http.GET("/api/home"));

export const tables = () => got(http.GET("/api/tables"));

export interface RowsQuery {
    offset?: number;
    limit?: number;
    sort?: string | null;
    q?: string | null;
    like?: number | null;
    filter?: readonly Condition[];
}

/** Conditions as the server reads them; nothing where there are none. */
export function filterText(conditions: readonly Condition[] | undefined): string | undefined {
    return conditions?.length ? JSON.stringify(conditions) : undefined;
}

function filled<T extends Record<string, unknown>>(query: T): { [K in keyof T]: NonNullable<T[K]> | undefined } {
    const kept = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
    return Object.fromEntries(kept) as { [K in keyof T]: NonNullable<T[K]> | undefined };
}

export const rows = (table: string, asked: RowsQuery, signal?: AbortSignal) =>
    got(http.GET("/api/tables/{table}/rows", {
        params: { path: { table }, query: filled({ ...asked, filter: filterText(asked.filter) }) },
        signal: signal ?? null,
    }));
export const row = (table: string, number: number) =>
    got(http.GET("/api/tables/{table}/rows/{row}", { params: { path: { table, row: number } } }));
export const profile = (table: string, column: string) =>
    got(http.GET("/api/tables/{table}/profile", { params: { path: { table }, query: { column } } }));
export const facets = (table: string, column: string, q: string, filter: readonly Condition[]) =>
    got(http.GET("/api/tables/{table}/facets", {
        params: { path: { table }, query: { column, ...filled({ q, filter: filterText(filter) }) } },
    }));

export const sessions = () => got(http.GET("/api/sessions"));
export const newSession = (asked: Partial<NewSession> & { kind: Kind }) =>
    got(http.POST("/api/sessions", { body: asked as NewSession }));
export const session = (id: string) => got(http.GET("/api/sessions/{session}", { params: { path: { session: id } } }));
export const next = (id: string, count: number, asked: { row?: number | null; query?: string | null } = {}) =>
    got(http.GET("/api/sessions/{session}/next", { params: { path: { session: id }, query: { count, ...filled(asked) } } }));
export const progress = (id: string) =>
    got(http.GET("/api/sessions/{session}/progress", { params: { path: { session: id } } }));
export const explain = (id: string, item: string) =>
    got(http.GET("/api/sessions/{session}/items/{item}/explain", { params: { path: { session: id, item } } }));
export const retrain = (id: string) =>
    got(http.POST("/api/sessions/{session}/retrain", { params: { path: { session: id } }, body: {} }));
export const changeSession = (id: string, change: { name?: string; blind?: boolean; open?: boolean }) =>
    got(http.PATCH("/api/sessions/{session}", { params: { path: { session: id } }, body: change }));
export const answersPath = (id: string) => `/api/sessions/${encodeURIComponent(id)}/answers`;
export const undoPath = (id: string) => `/api/sessions/${encodeURIComponent(id)}/undo`;

export const exportPath = (shape: Kind) => `/api/labels/export?${new URLSearchParams({ format: "csv", shape })}`;
export const settle = (label: LabelGiven) => got(http.POST("/api/labels/settle", { body: label }));
export const unsettle = (event: number, key: string) => got(http.POST("/api/labels/unsettle", { body: { event, key } }));
export const labelSummary = () => got(http.GET("/api/labels/summary"));

export const heuristics = (table: string, sure: number) => got(http.GET("/api/heuristics", { params: { query: { table, sure } } }));
export const tryHeuristic = (rule: RuleGiven, turn: number) => got(http.POST("/api/heuristics/try", { body: { rule, turn } }));
export const keepHeuristic = (rule: RuleGiven) => got(http.PUT("/api/heuristics", { body: rule }));
export const removeHeuristic = (table: string, name: string) => got(http.DELETE("/api/heuristics", { params: { query: { table, name } } }));
export const applyHeuristics = (table: string, sure: number) => got(http.POST("/api/heuristics/apply", { body: { table, sure } }));
export const undoHeuristics = (table: string) => got(http.POST("/api/heuristics/undo", { body: { table } }));

export interface ClustersQuery {
    offset?: number;
    limit?: number;
    order?: "weakest" | "largest" | "conflicts" | "name";
    q?: string;
    least?: number;
}
export const clusters = (asked: ClustersQuery) => got(http.GET("/api/clusters", { params: { query: filled({ ...asked }) } }));
export const cluster = (id: string) => got(http.GET("/api/clusters/{cluster}", { params: { path: { cluster: id } } }));
export const clusterWhy = (id: string, left: number, right: number) =>
    got(http.GET("/api/clusters/{cluster}/explain", { params: { path: { cluster: id }, query: { left, right } } }));
export const split = (key: string, id: string, records: number[]) =>
    got(http.POST("/api/clusters/split", { body: { key, cluster: id, records } }));
export const merge = (key: string, ids: string[]) => got(http.POST("/api/clusters/merge", { body: { key, clusters: ids } }));
export const undoCluster = (key: string, event: number | null) => got(http.POST("/api/clusters/undo", { body: { key, event } }));
export const clusterEvents = () => got(http.GET("/api/clusters/events"));
export const integrate = () => got(http.POST("/api/integrate", { body: {} }));

export type Method = "pca" | "classes" | "umap";
export const map = (table: string, method: Method) => got(http.GET("/api/map", { params: { query: { table, method } } }));
export const points = async (table: string, method: Method) =>
    new Float32Array(await bytes(`/api/map/points?${new URLSearchParams({ table, method })}`));
export const colours = (table: string, name: string) => bytes(`/api/map/colours?${new URLSearchParams({ table, name })}`);
export const lasso = (table: string, method: Method, polygon: [number, number][]) =>
    got(http.POST("/api/map/lasso", { body: { table, method, polygon } }));
export const labelMany = (key: string, table: string, numbers: number[], value: string[]) =>
    got(http.POST("/api/map/label", { body: { key, table, rows: numbers, value } }));

export const models = () => got(http.GET("/api/models"));
export const model = (name: string) => got(http.GET("/api/models/{model}", { params: { path: { model: name } } }));
export const forecast = (asked: FitAsked) => got(http.POST("/api/models/forecast", { body: asked }));
export const fit = (asked: FitAsked) => got(http.POST("/api/models/fit", { body: asked }));
export const rollback = (name: string, version: number) =>
    got(http.POST("/api/models/{model}/rollback", { params: { path: { model: name } }, body: { version } }));
export const search = (name: string, query: string, k: number, where: string[]) =>
    got(http.POST("/api/search", { body: { queries: [query], k, start: 0, where, model: name } }));
export const card = (name: string, version: number) =>
    got(http.GET("/api/models/{model}/card", { params: { path: { model: name }, query: { version } } }));
export const reportPath = (name: string, version: number) => `/api/models/${encodeURIComponent(name)}/report?version=${version}`;

export const jobs = () => got(http.GET("/api/jobs"));
export const job = (id: string) => got(http.GET("/api/jobs/{job}", { params: { path: { job: id } } }));
export const cancel = (id: string) => got(http.POST("/api/jobs/{job}/cancel", { params: { path: { job: id } }, body: {} }));

export const renameClass = (task: string, old: string[], name: string) => got(http.POST("/api/labels/rename", { body: { task, old, new: name } }));
export const unrenameClass = () => got(http.POST("/api/labels/unrename", { body: {} }));

export const people = () => got(http.GET("/api/people"));
export const invite = (person: string, role: Role) => got(http.POST("/api/people", { body: { person, role } }));
export const newToken = (person: string) =>
    got(http.POST("/api/people/{person}/token", { params: { path: { person } }, body: {} }));
export const changePerson = (person: string, change: { role?: Role; active?: boolean }) =>
    got(http.PATCH("/api/people/{person}", { params: { path: { person } }, body: change }));
export const audit = (offset: number, limit: number, person: string) =>
    got(http.GET("/api/audit", { params: { query: { offset, limit, ...filled({ person }) } } }));

export { post };
