import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorCatalogue } from '@guestpass/core/runtime-kit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keepEvents } from '../../packages/cli/src/keep/keep-log.ts'
import { pageOf } from './page.ts'

const page = pageOf('docs/operate.md')
const section = (title: string): string => page.split(/^## /m).find((one) => one.startsWith(title)) ?? ''

describe('the page on operation', () => {
  it('has every event of keep in its table, and no other one', () => {
    const cells = [...section('Read the log').matchAll(/^\| (`[^|]*) \|/gm)].map(([, cell = '']) => cell)
    const named = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, event]) => event))
    expect(new Set(named)).toEqual(new Set(keepEvents))
    expect(named).toHaveLength(keepEvents.length)
  })

  it('titles incidents with codes of the catalogue', () => {
    const titles = [...section('Incidents').matchAll(/^### (.*)$/gm)].flatMap(([, codes = '']) => codes.split(', '))
    expect(titles.length).toBeGreaterThan(15)
    expect(titles.filter((code) => !Object.hasOwn(errorCatalogue, code))).toEqual([])
  })
})

const folder = join(import.meta.dirname, '../../examples/deploy')
const units = readdirSync(folder).filter((file) => /\.(service|timer)$/.test(file))
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

describe.skipIf(!hasSystemd)('the systemd units (skipped without systemd: apt-get install systemd)', () => {
  it('are accepted by systemd-analyze verify, which finds a misspelt key', () => {
    const copies = mkdtempSync(join(tmpdir(), 'guestpass-units-'))
    onTestFinished(() => rmSync(copies, { recursive: true }))
    // The program of ExecStart must be there.
    for (const unit of units) {
      const text = readFileSync(join(folder, unit), 'utf8')
      writeFileSync(join(copies, unit), text.replace('/usr/local/bin/guestpass', process.execPath))
    }
    const verified = spawnSync('systemd-analyze', ['verify', ...units.map((unit) => join(copies, unit))])
    expect([verified.stderr.toString(), verified.status]).toEqual(['', 0])
    const broken = join(copies, 'broken.service')
    writeFileSync(broken, readFileSync(join(copies, 'guestpass-keep.service'), 'utf8').replace('Restart=', 'Restrt='))
    expect(spawnSync('systemd-analyze', ['verify', broken]).stderr.toString()).toContain('Restrt')
  })
})
