"""Configurations that several tests start from."""

WHOLE = """\
x-usual: &usual {import-if-none-for: 60m}
service:
  time-zone: Europe/Brussels
  store: sqlite:///var/lib/autosync/autosync.db
engines:
  mim:
    type: mim
    server: sync01.corp.example
    password: {env: MIM_PASSWORD}
    run-mode: exclusive
    max-parallel: 4
    keep-run-history: 30d
  home:
    type: embedded
    metaverse: {}
    agents: {hr: {connector: {}}}
agents:
  mim/HR:
    <<: *usual
    triggers:
      - {type: file, path: hr.csv, partition: default, front: true}
      - {type: file, path: other.csv, run: Special Import}
      - {type: schedule, cron: "0 2 * * sat", run: full-import, exclusive: true}
      - {type: schedule, start: 2026-01-31 02:00, period: 2d, time-zone: UTC, name: odd days, misfire: skip}
      - {type: interval, every: 15m, enabled: false}
    guards:
      staged: {deletes: 20 or 2%, changes: 500}
      flapping-after: never
    retry: {attempts: 3, first-delay: 1s, factor: 3, longest-delay: 1m, jitter: 0}
    breaker: {failures: 2, rest: 1h}
    run-limit: 2h
    stop-long-runs: true
    import-counts: full
    full-sync-after-full-import: true
  mim/Corp AD:
    enabled: false
    partitions:
      "DC=corp,DC=example": {export: EX, delta-import: DI, full-sync: false}
    guards:
      exports: {deletes: unlimited, updates: 5%, emptied: false}
    lock-with: mim/HR
    wakes: [home/hr]
exclusions:
  - {name: patch window, weekly: ["Sun 02:00-05:00", "daily 23:00-24:00"], agents: all}
  - {name: year-end freeze, from: 2026-12-23, until: 2027-01-02 08:00, only: exports, agents: [mim, home/hr]}
  - {cron: "0 12 * * *", lasts: 30m, time-zone: Asia/Tokyo, only: [imports, syncs]}
notify:
  log:
  loud: {type: log}
  routes:
    - {when: [hold, run-lost, warning], to: [log, loud], urgent: true}
"""

SMALL = """\
engines:
  home:
    type: embedded
    agents: {hr: {connector: {}}}
"""
