import { posix } from 'node:path'
import { anchorsOf, linesOf } from './markdown.ts'

/** The files of the repository, by their paths from its root. */
interface Repository {
  readonly files: readonly string[]
  /** The text of a file; undefined where there is none. */
  read(file: string): string | undefined
}

const LINK = /\]\(([^()\s]+(?:\([^()]*\))?[^()\s]*)\)/g
const PATH = /`((?:[\w.@-]+\/)*[\w.-]+\.(?:ts|mts|mjs|js|md|json|sql|txt|sh))`/g

/** Files that a reader has, and this repository has not. */
const ELSEWHERE = new Set(['guestpass.config.json', 'guestpass.config.ts', 'results.json'])

/** Links of a page to files and anchors that are not there, and code paths in back-ticks that name no file. */
export function linkFaults(page: string, { files, read }: Repository): readonly string[] {
  const text = read(page) ?? ''
  const folders = new Set(files.flatMap(foldersAbove))
  const isThere = (path: string): boolean => files.includes(path) || folders.has(path)
  const written = linesOf(text).filter(({ kind }) => kind !== 'code' && kind !== 'fence')
  const code = linesOf(text).filter(({ kind }) => kind === 'code')

  const linkFault = (link: string): string | undefined => {
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? page : posix.join(posix.dirname(page), path).replace(/\/$/, '')
    if (!isThere(target)) return `links to ${target}, which is not there`
    if (anchor === undefined || !target.endsWith('.md')) return undefined
    return anchorsOf(read(target) ?? '').has(anchor) ? undefined : `links to #${anchor}, which ${target} does not have`
  }
  const pathFault = (path: string): string | undefined => {
    const isKnown = ELSEWHERE.has(path) || files.some((file) => file === path || file.endsWith(`/${path}`))
    return isKnown || code.some((line) => line.text.includes(path)) ? undefined : `names ${path}, which is not there`
  }

  return written.flatMap(({ at, text: line }) => {
    const links = [...line.matchAll(LINK)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link))
    const paths = [...line.matchAll(PATH)].map(([, path = '']) => path)
    return [...links.map(linkFault), ...paths.map(pathFault)].flatMap((fault) =>
      fault === undefined ? [] : [`${page}:${at}: ${fault}`],
    )
  })
}

const foldersAbove = (file: string): readonly string[] => {
  const folder = posix.dirname(file)
  return folder === '.' ? [] : [folder, ...foldersAbove(folder)]
}
