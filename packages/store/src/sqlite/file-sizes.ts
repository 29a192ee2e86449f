import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'

/** The bytes of the database file and its log. `freeBytes`: pages that later writes use. */
export function fileSizes(
  database: DatabaseSync,
  path: string,
): { readonly fileBytes: number; readonly freeBytes: number } {
  const pragma = (name: string): number => Number(database.prepare(`pragma ${name}`).get()?.[name] ?? 0)
  const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
  return {
    fileBytes: sizeOf(path) + sizeOf(`${path}-wal`),
    freeBytes: pragma('freelist_count') * pragma('page_size'),
  }
}
