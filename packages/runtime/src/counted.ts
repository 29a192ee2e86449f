/** How much waiting work is counted; more costs time and says no more. */
export const MOST_COUNTED = 10_000
