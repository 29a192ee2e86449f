/** `node tools/packages/sbom.ts FOLDER` writes the bill of materials of each package in `artifacts` into a folder. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { writeBills } from './bill.ts'
import { packagesOf } from './workspace.ts'

const root = join(import.meta.dirname, '../..')
const artifacts = join(root, 'artifacts')
const scratch = mkdtempSync(join(tmpdir(), 'guestpass-sbom-'))
try {
  const to = resolve(process.argv[2] ?? join(artifacts, 'sbom'))
  await writeBills(
    packagesOf(root).map(({ manifest }) => manifest),
    artifacts,
    to,
    scratch,
  )
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
