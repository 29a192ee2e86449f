/** A page of a list as JSON, which the routes of the service answer too. */
export interface ListDocument<Item> {
  readonly data: readonly Item[]
  /** `cursor`: where the next page begins; null on the last page. */
  readonly pagination: { readonly cursor: string | null; readonly hasMore: boolean }
}

/** Makes the JSON of a page, for a route or `--json`. `next`: the cursor of the next page; absent on the last page. */
export const listDocument = <Item>(data: readonly Item[], next?: string): ListDocument<Item> => ({
  data,
  pagination: { cursor: next ?? null, hasMore: next !== undefined },
})
