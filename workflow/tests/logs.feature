Feature: What a run says

  Scenario: Trainings, scores and the report end as they should
    When the workflow is finished
    Then the file "results/small/logs/train/topodnn-baseline-0.log" should contain "epoch 2: loss"
    And the file "results/small/logs/train/in-baseline-0.log" should contain "validation: AUC"
    And the file "results/small/logs/score/topodnn-baseline-0-toptag-test.h5.log" should contain "jets: 200 jets"
    And the file "results/small/logs/report.log" should contain "wrote results/small/report"
    And the file "results/small/verdicts.json" should contain "summary"

  Scenario: The engine ends the workflow
    When the workflow execution completes
    Then the workflow should be finished
