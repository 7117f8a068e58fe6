//! What the server did by itself, as a small table.

use crate::report::digest::{CheckpointTimes, ChoreTimes, Digest};
use crate::report::{Lang, unit};

/// What, how often, time of all, the longest, and what is worth knowing of it.
pub(in crate::report::digest) type Row = [String; 5];

/// Heads of the table.
pub(in crate::report::digest) fn columns(lang: Lang) -> [&'static str; 5] {
    lang.pick(
        ["what", "times", "total", "longest", "remark"],
        ["항목", "횟수", "합계", "최장", "비고"],
    )
}

pub(super) fn rows(digest: &Digest, lang: Lang) -> Vec<Row> {
    let Some(server) = &digest.source.server else {
        return Vec::new();
    };
    let plain = |what: &str, count: u64| {
        (count > 0).then(|| {
            let [total, longest, remark] = [(); 3].map(|()| String::new());
            [what.to_owned(), unit::exact(count), total, longest, remark]
        })
    };
    let rows = [
        plain(lang.pick("crash", "비정상 종료"), server.crashes),
        plain(lang.pick("start", "시작"), server.starts),
        server.checkpoints.as_ref().map(|c| checkpoints(c, lang)),
        chores("autovacuum", server.vacuums.as_ref()),
        chores("autoanalyze", server.analyzes.as_ref()),
    ];
    rows.into_iter().flatten().collect()
}

fn checkpoints(told: &CheckpointTimes, lang: Lang) -> Row {
    let [write, sync, file] = [
        told.longest_write_s,
        told.longest_sync_s,
        told.longest_file_s,
    ]
    .map(|time| unit::duration(time.0));
    let mut remark = Vec::new();
    if told.count > 0 {
        remark.push(lang.pick(
            format!("at most {write} of writes, {sync} of syncs, {file} for one file"),
            format!("최장 쓰기 {write}, 동기화 {sync}, 파일 하나 {file}"),
        ));
    }
    if told.too_frequent > 0 {
        let times = unit::exact(told.too_frequent);
        remark.push(lang.pick(
            format!("too frequent {times} times"),
            format!("너무 잦음 {times}회"),
        ));
    }
    [
        lang.pick("checkpoint", "체크포인트").to_owned(),
        unit::exact(told.count),
        unit::duration(told.total_s.0),
        unit::duration(told.longest_s.0),
        remark.join("; "),
    ]
}

fn chores(what: &str, told: Option<&ChoreTimes>) -> Option<Row> {
    told.map(|told| {
        [
            what.to_owned(),
            unit::exact(told.count),
            unit::duration(told.total_s.0),
            unit::duration(told.longest_s.0),
            told.longest_table.clone(),
        ]
    })
}
