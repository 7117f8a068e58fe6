//! The parts that only people can write: questions that begin with how or what, never with who or why.

use crate::report::Lang;

fn ask(lang: Lang, english: &[&str], korean: &[&str]) -> String {
    let lines: Vec<_> = lang
        .pick(english, korean)
        .iter()
        .map(|question| format!("> {question}"))
        .collect();
    lines.join("\n>\n")
}

pub(super) fn impact(lang: Lang) -> String {
    ask(
        lang,
        &["How many users, orders or tickets were affected, and how do you know?"],
        &["사용자, 주문, 문의에 어떤 영향이 얼마나 있었으며, 어떻게 확인했나요?"],
    )
}

pub(super) fn timeline(lang: Lang) -> String {
    ask(
        lang,
        &["What did people do, and when? Add rows below the table, with a link each."],
        &["사람이 한 조치와 시각은 무엇인가요? 표 아래에 링크와 함께 추가하세요."],
    )
}

pub(super) fn detection(lang: Lang) -> String {
    ask(
        lang,
        &["What slowed us down between the alert and the first useful action?"],
        &["알림부터 첫 유효 조치까지 무엇이 우리를 늦췄나요?"],
    )
}

pub(super) fn factors(lang: Lang) -> String {
    ask(
        lang,
        &["What else had to be true for this to happen?"],
        &["이 일이 일어나려면 그 밖에 어떤 조건이 있어야 했나요?"],
    )
}

pub(super) fn mitigation(lang: Lang) -> String {
    ask(
        lang,
        &["What set it off, and what made it stop? How was that confirmed?"],
        &["무엇이 촉발했고 무엇으로 멈췄나요? 어떻게 확인했나요?"],
    )
}

/// Section 8, three headings.
pub(super) fn lessons(lang: Lang) -> String {
    let parts = [
        (
            lang.pick("What went well", "잘된 점"),
            ask(
                lang,
                &["What helped us, and how do we keep it?"],
                &["무엇이 도움이 되었고, 어떻게 유지하나요?"],
            ),
        ),
        (
            lang.pick("What was hard", "어려웠던 점"),
            ask(
                lang,
                &["What was missing, confusing or slow?"],
                &["무엇이 부족했거나 헷갈렸거나 느렸나요?"],
            ),
        ),
        (
            lang.pick("Where we got lucky", "운이 좋았던 점"),
            ask(
                lang,
                &["What could have made it worse, and did not?"],
                &["더 나빠질 수 있었는데 그러지 않은 것은 무엇인가요?"],
            ),
        ),
    ];
    let title = lang.pick("## 8. Lessons", "## 8. 교훈");
    let parts = parts.map(|(heading, question)| format!("### {heading}\n\n{question}"));
    format!("{title}\n\n{}", parts.join("\n\n"))
}

pub(super) fn actions(lang: Lang) -> String {
    ask(
        lang,
        &["Give each an owner (a role), a date and an issue, or delete it."],
        &["항목마다 담당(역할), 기한, 이슈를 적거나 삭제하세요."],
    )
}

pub(super) fn questions(lang: Lang) -> String {
    ask(
        lang,
        &["What do we still not understand?"],
        &["아직 이해하지 못한 것은 무엇인가요?"],
    )
}
