/**
 * How the programs of each page are checked, by the language of the block: the test file that runs or type-checks all of them. Blocks of
 * `sh`, `json` and `mermaid` are checked on every page by page-blocks.test.ts. A page or language that is not here fails that test.
 */
export const programsOfPages: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'README.md': { ts: 'tools/test/readme.test.ts' },
  'docs/add-a-guest-api.md': { ts: 'tools/test/guest-api.test.ts' },
  'docs/from-the-tutorials.md': { ts: 'tools/test/tutorial-programs.test.ts' },
  'docs/front-door.md': { ts: 'tools/test/front-door-page.test.ts', js: 'tools/test/readme.test.ts' },
  'docs/http-clients.md': { ts: 'tools/test/http-clients-page.test.ts' },
  'docs/middleware.md': { ts: 'tools/test/middleware-page.test.ts' },
  'docs/personal-data.md': { ts: 'tools/test/page-snippets.ts' },
  'docs/sign-ins.md': { ts: 'tools/test/page-snippets.ts' },
  'docs/testing.md': { ts: 'tools/test/testing-page.test.ts', js: 'tools/test/testing-page.test.ts' },
  'docs/token-keys.md': { ts: 'tools/test/page-snippets.ts' },
  'docs/vault-key-ring.md': { ts: 'tools/test/page-snippets.ts' },
  'docs/webhooks.md': { ts: 'tools/test/page-snippets.ts' },
  'docs/workers.md': { ts: 'tools/test/page-snippets.ts' },
  'docs/write-a-store.md': { ts: 'tools/test/page-snippets.ts' },
  'packages/cli/README.md': { js: 'tools/test/page-snippets.ts' },
  'packages/client/README.md': { ts: 'tools/test/page-snippets.ts' },
  'packages/core/README.md': { js: 'tools/test/page-snippets.ts' },
  'packages/sandbox/README.md': { js: 'tools/test/page-snippets.ts' },
  'packages/store/README.md': { js: 'tools/test/page-snippets.ts' },
}

/** Languages that page-blocks.test.ts checks on every page. */
export const generalLanguages: readonly string[] = ['sh', 'json', 'mermaid']
