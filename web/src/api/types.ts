// The nouns of the server under the names that the page uses.
import type { components } from "./schema";

type S = components["schemas"];
export type Me = S["Me"];
export type Job = S["Job"];
export type Why = S["Why"];
export type Line = S["Line"];
export type Home = S["Home"];
export type TableInfo = S["TableInfo"];
export type RowsPage = S["RowsPage"];
export type RowDetail = S["RowDetail"];
export type Rec = S["Rec"];
export type ColumnProfile = S["ColumnProfile"];
export type Facets = S["Facets"];
/** A condition on a column. The server reads a JSON list of them from the query, so that its document names no type. */
export interface Condition {
    readonly column: string;
    readonly op: "eq" | "ne" | "contains" | "starts" | "lt" | "le" | "gt" | "ge" | "empty" | "filled" | "in";
    readonly value?: string | number | boolean | null | readonly (string | number | null)[];
}
export type SessionInfo = S["SessionInfo"];
export type NewSession = S["NewSession"];
export type SessionProgress = S["SessionProgress"];
export type PairItem = S["PairItem"];
export type GroupItem = S["GroupItem"];
export type ClassItem = S["ClassItem"];
export type SearchHit = S["SearchHit"];
export type JudgementItem = S["JudgementItem"];
export type Item = PairItem | GroupItem | ClassItem | JudgementItem;
export type NextItems = S["NextItems"];
export type Taken = S["Taken"];
export type Undone = S["Undone"];
export type Part = S["Part"];
export type ClusterLine = S["ClusterLine"];
export type ClusterDetail = S["ClusterDetail"];
export type ClusterEvent = S["ClusterEvent"];
export type Change = S["Change"];
export type MapInfo = S["MapInfo"];
export type Colour = S["Colour"];
export type Caught = S["Caught"];
export type ModelInfo = S["ModelInfo"];
export type ModelDetail = S["ModelDetail"];
export type VersionInfo = S["VersionInfo"];
export type FitAsked = S["FitAsked"];
export type Forecast = S["ForecastGiven"];
export type Quality = S["Quality"];
export type Person = S["Person"];
export type AuditPage = S["AuditPage"];
export type LabelSummary = S["LabelSummary"];
export type LabelGiven = S["LabelGiven"];
export type Conflict = S["ConflictLine"];
export type RuleGiven = S["RuleGiven"];
export type RuleLine = S["RuleLine"];
export type RuleLooked = S["RuleLooked"];
export type RuleExample = S["RuleExample"];
export type RulesPage = S["RulesPage"];
export type Role = NonNullable<Me["role"]>;
export type Kind = SessionInfo["kind"];
