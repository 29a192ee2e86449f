/** Reads page after page of a store, to the last one. `read` gets where each page begins. */
export async function* pagesOf<Page extends { readonly next?: string }>(
  read: (start: { readonly after?: string }) => Promise<Page>,
): AsyncGenerator<Page> {
  for (let start: { readonly after?: string } = {}; ; ) {
    const page = await read(start)
    yield page
    if (page.next === undefined) return
    start = { after: page.next }
  }
}
