import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An empty folder with these files; `remove` takes it away. */
export function temporaryFolder(files: Readonly<Record<string, string>> = {}): {
  readonly cwd: string
  readonly remove: () => void
} {
  const cwd = mkdtempSync(join(tmpdir(), 'guestpass-site-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
  return { cwd, remove: () => rmSync(cwd, { recursive: true, force: true }) }
}
