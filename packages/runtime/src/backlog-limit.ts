/** How much waiting work is counted; more costs time and says no more. */
export const MAX_BACKLOG_COUNT = 10_000
